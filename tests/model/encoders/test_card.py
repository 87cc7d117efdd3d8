"""The model card says what a user must know."""

import re
from collections.abc import Mapping

import numpy as np
import pytest

from tcae.model.encoders.card import card
from tcae.model.encoders.export import export
from tcae.model.encoders.facts import EncoderFacts
from tcae.model.recipe import ViewConfig
from tcae.model.recipes.tcae import TCAENetwork
from tests.encoder_builders import trained


def written(
    template: str = "tcae", metrics: Mapping[str, float] | None = None, data: Mapping[str, str | int] | None = None
) -> str:
    """The card of these facts, each paragraph on one line."""
    text = card(
        EncoderFacts(
            tcae="0.1.0",
            run="released",
            checkpoint="best",
            step=1234,
            recipe="released",
            template=template,
            network=TCAENetwork(),
            view=ViewConfig(),
            data=data or {},
            metrics=metrics or {},
            num_parameters=8035488,
            sha256="ab" * 32,
        )
    )
    return re.sub(r"(?<=\S)\n(?=[^\n#|-])", " ", text)


def test_it_says_what_the_encoder_is() -> None:
    text = written()
    assert text.startswith("# released: a facial-action encoder\n")
    assert (
        "| recipe | released |\n| step | 1,234 (best) |\n| input | 256x256 px |\n| parameters | 8,035,488 |\n" in text
    )
    assert "| `au` | 256 | its facial actions |\n| `pose` | 256 | the pose of the head |\n" in text
    assert "It is the encoder of a Twin-Cycle Autoencoder (Li et al., CVPR 2019), learned without labels" in text
    assert f"`{'ab' * 32}`" in text


def test_its_three_lines_of_code_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = export(trained(), tmp_path_factory.mktemp("exports") / "encoder")
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), flags=re.DOTALL)
    names: dict[str, object] = {"faces": np.zeros((2, 9, 9, 3), np.uint8)}
    exec(code.replace("PATH/TO/THIS/FOLDER", str(folder)), names)
    assert isinstance(names["au"], np.ndarray)
    assert names["au"].shape == (2, 8)


def test_it_says_which_faces_are_wanted() -> None:
    assert "`tcae-prep align --template tcae`." in written()
    assert "`tcae-prep align --template arcface --margin 0.1`." in written("arcface", data={"margin": "0.1"})
    assert "the middle 87.5% of its side" in written()


def test_an_unknown_template_is_no_guess() -> None:
    text = written("unknown")
    assert "not known to which template" in text
    assert "Align them as in training" not in text


def test_it_shows_what_it_was_trained_on_and_how_well() -> None:
    text = written(data={"num_identities": 5250, "within": "track"}, metrics={"reconstruction": 0.0312345678})
    assert "| num identities | 5,250 |\n| within | track |\n" in text
    assert "| reconstruction | 0.0312346 |\n" in text
    assert "Nothing is known of its training faces.\n" in written()
    assert "It has not been measured on val pairs.\n" in written()


@pytest.mark.parametrize(("ratio", "warned"), [(5.5, False), (1.0, False), (0.99, True), (0.5, True)])
def test_it_warns_when_the_branches_changed_roles(ratio: float, warned: bool) -> None:
    text = written(metrics={"displacement_ratio": ratio})
    assert f"is {ratio:.2f} times as long as the mean AU displacement" in text
    assert ("**Warning: the branches seem to have changed roles.**" in text) is warned


def test_an_unmeasured_ratio_is_said_and_not_invented() -> None:
    for metrics in ({}, {"displacement_ratio": float("nan")}):
        assert "It has not been measured which displacement is the longer one" in written(metrics=metrics)


def test_imported_weights_are_not_ours_to_license() -> None:
    imported = written(data={"source": "tcae import-released"})
    assert "which carries no licence: ask its authors first" in imported
    assert "Apache" not in imported
    assert "The code that made these weights is under Apache-2.0." in written()
