import pytest

from tcae.manifests.errors import ConfigError
from tcae.model.training.options import RunOptions


def test_steps_and_epochs_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="--steps 3 and --epochs 2 exclude each other"):
        RunOptions(steps=3, epochs=2)


@pytest.mark.parametrize("name", ["steps", "epochs", "stop_after", "log_every", "checkpoint_every", "keep_every"])
def test_nothing_is_counted_from_zero(name: str) -> None:
    with pytest.raises(ConfigError, match=f"--{name.replace('_', '-')} must be at least 1, not 0"):
        RunOptions(**{name: 0})  # type: ignore[arg-type]


def test_a_bound_is_what_the_user_said() -> None:
    assert not RunOptions().is_bounded
    assert RunOptions(steps=1).is_bounded
    assert RunOptions(epochs=1).is_bounded
    assert RunOptions(stop_after=1).is_bounded
