import pytest
import torch

from tcae.manifests.errors import MissingToolError
from tcae.model.training.devices import device_of, name_of


def test_the_cpu_is_taken_when_it_is_asked_for() -> None:
    assert device_of("cpu") == torch.device("cpu")


def test_auto_takes_the_cpu_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("auto").type == "cpu"
    with pytest.raises(
        MissingToolError, match=r"process 0 of this machine, and torch .* sees 0 GPUs; .* or use --device cpu"
    ):
        device_of("cuda")


def test_each_process_takes_another_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert device_of("auto") == device_of("cuda") == torch.device("cuda", 1)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(MissingToolError, match=r"process 2 of this machine, .* sees 2 GPUs; start fewer processes"):
        device_of("cuda")


def test_the_cpu_is_named_with_its_threads() -> None:
    assert name_of(torch.device("cpu")) == f"cpu ({torch.get_num_threads()} threads)"
