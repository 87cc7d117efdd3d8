"""Settings are laid over a recipe, and what is wrong with one is said by its name."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError
from tcae.model.overrides import differences, overridden, parse_setting, read_config, recipe_of, setting_names
from tcae.model.recipe import Recipe
from tcae.model.recipes.tcae import RECIPES, RELEASED, SMALL, TCAERecipe


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_a_recipe_comes_back_from_json(recipe: Recipe) -> None:
    assert recipe_of(json.loads(json.dumps(asdict(recipe)))) == recipe
    assert recipe_of(asdict(recipe)) == recipe


def test_what_is_left_out_has_its_default_but_for_the_name() -> None:
    assert recipe_of({"name": "mine", "steps": 5}) == TCAERecipe(name="mine", steps=5)
    with pytest.raises(ConfigError, match="name is missing"):
        recipe_of({"steps": 5})


def test_nested_settings_replace_only_themselves() -> None:
    found = overridden(SMALL, {"optimiser": {"lr": 1e-4}, "batch_size": 8})
    assert found == replace(SMALL, batch_size=8, optimiser=replace(SMALL.optimiser, lr=1e-4))


def test_later_settings_win_and_all_are_judged_together() -> None:
    halves = parse_setting("network.size=32"), parse_setting("network.trunk=[8, 8]"), parse_setting("network.size=64")
    found = overridden(SMALL, *halves, {"network": {"branch": [8, 8, 8, 8]}})
    assert (found.network.size, found.network.trunk, found.network.branch) == (64, (8, 8), (8, 8, 8, 8))
    with pytest.raises(ConfigError, match="network: 3 \\+ 3 encoder"):
        overridden(SMALL, {"network": {"size": 32}})


def test_steps_and_epochs_exclude_each_other() -> None:
    assert (overridden(RELEASED, {"steps": 9}).steps, overridden(RELEASED, {"steps": 9}).epochs) == (9, None)
    assert (overridden(SMALL, {"epochs": 2}).steps, overridden(SMALL, {"epochs": 2}).epochs) == (None, 2)
    found = overridden(RELEASED, {"steps": 9}, {"epochs": 2}, {"batch_size": 4})
    assert (found.steps, found.epochs) == (None, 2)
    with pytest.raises(ConfigError, match="epochs or steps, not 2 and 9"):
        overridden(RELEASED, {"steps": 9, "epochs": 2})


def test_a_whole_number_is_a_number_and_lists_become_tuples() -> None:
    found = overridden(SMALL, {"optimiser": {"lr": 1}, "curriculum": {"stages": [[0, 0.5], [0.1, 0.6]]}})
    assert type(found.optimiser.lr) is float
    assert found.curriculum.stages == ((0.0, 0.5), (0.1, 0.6))
    assert type(found.curriculum.stages[0][0]) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batch_size": "8"}, "batch_size must be a whole number, not '8'"),
        ({"batch_size": 8.0}, r"batch_size must be a whole number, not 8\.0"),
        ({"batch_size": True}, "batch_size must be a whole number, not True"),
        ({"batch_size": None}, "batch_size must be a whole number, not None"),
        ({"optimiser": {"lr": "fast"}}, r"optimiser\.lr must be a number, not 'fast'"),
        ({"optimiser": {"lr": float("nan")}}, r"optimiser\.lr must be finite, not nan"),
        ({"optimiser": {"name": "adam"}}, r"optimiser\.name must be sgd or adamw, not 'adam'"),
        ({"optimiser": {"name": ["sgd"]}}, r"optimiser\.name must be sgd or adamw, not \['sgd'\]"),
        ({"optimiser": 3}, r"optimiser holds settings \(name, lr, .*, and is none itself: 3"),
        ({"name": 3}, "name must be a text, not 3"),
        ({"network": {"trunk": 8}}, r"network\.trunk must be a list, not 8"),
        ({"network": {"trunk": "888"}}, r"network\.trunk must be a list, not '888'"),
        ({"network": {"trunk": [8, "x"]}}, r"network\.trunk\[1\] must be a whole number, not 'x'"),
        ({"curriculum": {"stages": [[0, 0.5, 1]]}}, r"curriculum\.stages\[0\] must have 2 values, not \[0, 0.5, 1\]"),
        ({"curriculum": {"stages": [0.5]}}, r"curriculum\.stages\[0\] must be a list, not 0.5"),
        ({"curriculum": {"stages": [[0.6, 0.5]]}}, "curriculum: stages are"),
        ({"batchsize": 8}, r"batchsize is no setting; did you mean batch_size\?"),
        ({"lr": 8}, r"lr is no setting; did you mean optimiser\.lr\?"),
        ({"optimizer": {"lr": 8}}, r"optimizer is no setting; did you mean optimiser"),
        ({"optimiser": {"lrr": 8}}, r"optimiser\.lrr is no setting; did you mean optimiser\.lr"),
        ({"size": 8}, r"size is no setting; did you mean network\.size\?"),
        ({"xyzzy": 8}, "xyzzy is no setting; known are name, method, made_for, network.size, "),
    ],
)
def test_a_setting_that_does_not_fit_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        overridden(SMALL, values)
    with pytest.raises(ConfigError, match=message):
        recipe_of(asdict(SMALL) | values)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("optimiser.lr=1e-4", {"optimiser": {"lr": 1e-4}}),
        ("batch_size = 8", {"batch_size": 8}),
        ("optimiser.name=adamw", {"optimiser": {"name": "adamw"}}),
        ('name="a=b"', {"name": "a=b"}),
        ("flag=true", {"flag": True}),
        ("curriculum.stages=[[0,0.5],[0.1,0.6]]", {"curriculum": {"stages": [[0, 0.5], [0.1, 0.6]]}}),
        ("start_from=runs/one/checkpoints/best.pt", {"start_from": "runs/one/checkpoints/best.pt"}),
        ("start_from=/data/vgg19-dcbb9e9d.pth", {"start_from": "/data/vgg19-dcbb9e9d.pth"}),
        ("start_from=../one.pt", {"start_from": "../one.pt"}),
    ],
)
def test_a_typed_setting_is_nested_by_its_dots(text: str, setting: dict[str, Any]) -> None:
    assert parse_setting(text) == setting


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batch_size", "'batch_size' is no setting; write name=value"),
        ("=3", "'=3' is no setting"),
        ("a..b=3", r"'a\.\.b=3' is no setting"),
        ("steps=", "'' is no TOML value"),
        ("momentum=.5", r"'\.5' is no TOML value; write 3, 0\.5"),
        ("stages=[[0, 0.5]", r"'\[\[0, 0\.5\]' is no TOML value"),
        ("steps=1\nepochs=2", "more than one setting"),
    ],
)
def test_a_setting_that_cannot_be_read_is_shown(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_setting(text)


@given(st.integers(1, 10**9), st.floats(1e-9, 10.0, exclude_min=True))
def test_typed_numbers_arrive(batch_size: int, lr: float) -> None:
    found = overridden(SMALL, parse_setting(f"batch_size={batch_size}"), parse_setting(f"optimiser.lr={lr!r}"))
    assert (found.batch_size, found.optimiser.lr) == (batch_size, lr)


def test_a_file_holds_nested_settings(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("batch_size = 8\n[optimiser]\nlr = 1e-4\n[network]\ntrunk = [32, 64, 128]\n")
    values = read_config(path, TCAERecipe)
    assert values == {"batch_size": 8, "optimiser": {"lr": 1e-4}, "network": {"trunk": [32, 64, 128]}}
    assert overridden(SMALL, values).optimiser.lr == 1e-4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"batch_size = 8\nsteps = \n", r"mine\.toml, line 2: Invalid value$"),
        (b"steps = 8\nstages = [[0, 0.5],\n", r"mine\.toml, line 2: "),
        (b"steps = 8\nsteps = 9\n", r"mine\.toml, line 2: Cannot overwrite a value"),
        (b"steps = 8\nname = '\xff'\n", r"mine\.toml, line 2: not UTF-8"),
        (b"stepps = 8\n", r"mine\.toml: stepps is no setting; did you mean steps"),
        (b"steps = '8'\n", r"mine\.toml: steps must be a whole number, not '8'"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_line(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match=message):
        read_config(path, TCAERecipe)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*mine\.toml: No such file"):
        read_config(tmp_path / "mine.toml", TCAERecipe)


def test_every_difference_is_listed_by_name() -> None:
    new = overridden(SMALL, {"optimiser": {"lr": 1e-4, "decay": "cosine"}, "epochs": 3, "network": {"au_reach": 0.5}})
    assert differences(asdict(SMALL), asdict(new)) == [
        "epochs: null -> 3",
        "network.au_reach: 1.0 -> 0.5",
        'optimiser.decay: "constant" -> "cosine"',
        "optimiser.lr: 0.0005 -> 0.0001",
        "steps: 4000 -> null",
    ]


def test_lists_and_tuples_do_not_differ_and_missing_settings_do() -> None:
    assert differences(json.loads(json.dumps(asdict(SMALL))), asdict(SMALL)) == []
    assert differences({"a": {"b": 1}, "c": None}, {"a": 2}) == [
        "a: missing -> 2",
        "a.b: 1 -> missing",
        "c: null -> missing",
    ]


def test_every_setting_has_a_dotted_name() -> None:
    names = setting_names(TCAERecipe)
    assert {"name", "steps", "optimiser.lr", "view.drawn", "weights.au_displacement_l1"} <= set(names)
    assert not {"optimiser", "view"} & set(names)
