"""What every method of the catalogue promises to the trainer, the probe and the reader of its files."""

import ast
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import tcae.model
from tcae.manifests.errors import CheckpointError
from tcae.manifests.workspace import Workspace
from tcae.model.data.batches import LoaderConfig
from tcae.model.encoders.export import export
from tcae.model.encoders.face_encoder import FaceEncoder, load_encoder
from tcae.model.losses import total_of
from tcae.model.method import Method, Views
from tcae.model.methods.catalogue import METHODS, encoder_of, method_of
from tcae.model.overrides import recipe_of
from tcae.model.recipe import Recipe
from tcae.model.recipes.catalogue import RECIPES, recipe_class, recipe_named
from tcae.model.train import Outcome, train
from tcae.model.training.checkpoints import load
from tcae.model.training.options import RunOptions
from tcae.model.training.runs import load_trained
from tests.encoder_builders import stirred
from tests.label_builders import drawn_aus, face_keys, label_faces
from tests.method_builders import draws
from tests.recipe_builders import TINY
from tests.run_builders import equal
from tests.training_builders import make_training_workspace

ALL = [(method, name) for method, recipes in RECIPES.items() for name in recipes]
HERE = LoaderConfig(workers=0)
CPU = torch.device("cpu")


@pytest.fixture(params=sorted(METHODS))
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return TINY[request.param]


@pytest.fixture
def method(recipe: Recipe) -> Method[Any]:
    torch.manual_seed(recipe.seed)
    return method_of(recipe)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Tracks that are long enough for a sample of any method, every face labelled."""
    workspace = make_training_workspace(Workspace(tmp_path_factory.mktemp("faces")), tracks=1, faces=14, side=32)
    label_faces(workspace, drawn_aus(face_keys(workspace).num_rows))
    return workspace


def seen(recipe: Recipe, num: int = 4, seed: int = 0) -> Views:
    """Noise that is a little smooth, and labels of which some are missing."""
    size = recipe.network.size
    coarse = torch.rand(recipe.draw.num_faces, num, 3, size // 2, size // 2, generator=draws(seed))
    faces = [torch.nn.functional.interpolate(each, size=size, mode="bilinear") for each in coarse]
    labels = torch.randint(0, 2, (num, len(recipe.labels.aus)), generator=draws(seed)).float()
    labels[:1, 1:] = torch.nan
    return Views(tuple(faces), labels)


def terms_of(method: Method[Any], views: Views) -> dict[str, Tensor]:
    return method.terms(method(views), views)


def run(workspace: Workspace, recipe: Recipe, name: str, **how: Any) -> Outcome:
    seldom: dict[str, Any] = {"checkpoint_every": 100, "keep_every": 100, "sheet_pairs": 1}
    return train(workspace, recipe, RunOptions(device="cpu", loader=HERE, **(seldom | how)), name)


def test_both_catalogues_and_the_tiny_recipes_name_the_same_methods() -> None:
    assert set(METHODS) == set(RECIPES) == set(TINY)


@pytest.mark.parametrize(("method", "name"), ALL)
def test_a_recipe_is_found_by_its_name_and_survives_being_written(method: str, name: str) -> None:
    recipe = recipe_named(method, name)
    assert (recipe.method, recipe.name) == (method, name)
    assert type(recipe) is recipe_class(method)
    assert recipe_of(asdict(recipe)) == recipe


@pytest.mark.parametrize("method", sorted(METHODS))
def test_each_method_has_a_recipe_for_a_cpu(method: str) -> None:
    small = recipe_named(method, "small")
    assert small.made_for == "cpu"
    assert small.precision == "fp32"


def test_its_terms_are_those_of_its_weights(method: Method[Any]) -> None:
    terms = terms_of(method, seen(method.recipe))
    weights = asdict(method.recipe.weights)
    assert {name for name, weight in weights.items() if weight > 0} <= set(terms) <= set(weights)
    for name, term in terms.items():
        assert term.shape == (4,), name
        assert term.dtype == torch.float32, name
        assert term.isfinite().all(), name


def test_its_terms_are_float32_where_convolutions_are_in_bfloat16(method: Method[Any]) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        terms = terms_of(method, views := seen(method.recipe))
        made = method.encoder.embed(views.faces[0])
    assert {term.dtype for term in terms.values()} | {each.dtype for each in made.values()} == {torch.float32}


def test_its_encoder_gives_the_embeddings_that_its_network_names(method: Method[Any]) -> None:
    made = method.eval().encoder.embed(seen(method.recipe).faces[0])
    assert {name: each.shape[1] for name, each in made.items()} == method.recipe.network.widths
    assert list(made) == list(method.recipe.network.widths)
    assert all(each.isfinite().all() and len(each) == 4 for each in made.values())


def test_its_encoder_stands_alone(method: Method[Any]) -> None:
    with torch.device("meta"):
        alone = encoder_of(method.recipe.method, method.recipe.network)
    shapes = {name: tensor.shape for name, tensor in alone.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in method.encoder.state_dict().items()}


def test_what_it_learns_from_reaches_the_encoder(method: Method[Any]) -> None:
    total = total_of(terms_of(method, seen(method.recipe)), method.recipe.weights)
    total.mean().backward()  # type: ignore[no-untyped-call]
    learned = [weight for weight in method.encoder.parameters() if weight.requires_grad]
    reached = [weight for weight in learned if weight.grad is not None and weight.grad.abs().sum() > 0]
    assert len(reached) > len(learned) / 2  # a bias before batch norm learns nothing


def test_permuting_a_batch_permutes_its_terms(method: Method[Any]) -> None:
    stirred(method)
    views, order = seen(method.recipe, num=5), torch.tensor([3, 0, 4, 1, 2])
    other = Views(tuple(face[order] for face in views.faces), views.labels[order])
    with torch.inference_mode():
        one, permuted = terms_of(method, views), terms_of(method, other)
    for name, term in one.items():
        torch.testing.assert_close(permuted[name], term[order], rtol=1e-4, atol=1e-5)


def test_what_a_validation_notes_can_be_read(method: Method[Any]) -> None:
    method.eval()
    views = seen(method.recipe)
    with torch.inference_mode():
        made = method(views)
        noted = method.terms(made, views) | method.measures(made, views)
    assert all(each.shape == (4,) for each in noted.values())
    means = {name: each.mean().item() for name, each in noted.items()} | {"total": 1.0}
    metrics = means | method.summary(means)
    assert all(np.isfinite(list(metrics.values())))
    assert "val" in method.words(metrics)
    assert isinstance(method.remark(metrics), str)


def test_its_sheet_grows_with_the_samples(method: Method[Any]) -> None:
    method.eval()
    with torch.inference_mode():
        one, three = (method.sheet(seen(method.recipe, num), "title") for num in (1, 3))
    assert one.dtype == three.dtype == np.uint8
    assert one.shape[2] == 3
    assert three.size > one.size


def test_it_begins_with_its_own_weights_and_refuses_others(method: Method[Any]) -> None:
    torch.manual_seed(7)
    other = method_of(method.recipe)
    stirred(other)
    method.begin(other.state_dict(), Path("other.pt"))
    assert equal(dict(method.state_dict()), dict(other.state_dict()))
    with pytest.raises(CheckpointError, match=r"strange\.pt"):
        method.begin({"nothing.weight": torch.zeros(2)}, Path("strange.pt"))


def test_a_run_that_was_interrupted_ends_like_one_that_was_not(faces: Workspace, recipe: Recipe) -> None:
    recipe = replace(recipe, steps=4)
    whole = run(faces, recipe, f"{recipe.method}-whole")
    run(faces, recipe, recipe.method, stop_after=3)
    torch.rand(3)  # whatever else was drawn since
    resumed = run(faces, recipe, recipe.method)
    assert resumed.started == 3
    assert equal(load(resumed.folder.last, CPU), load(whole.folder.last, CPU))


def test_what_was_trained_embeds_the_same_after_an_export(faces: Workspace, recipe: Recipe, tmp_path: Path) -> None:
    run(faces, replace(recipe, steps=2), f"{recipe.method}-export")
    trained = load_trained(faces, f"{recipe.method}-export", "last")
    folder = export(trained, tmp_path / "encoder")
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    ours, exported = (each.embed(pictures) for each in (FaceEncoder.of(trained, "cpu"), load_encoder(folder, "cpu")))
    for (name, one), (other_name, other) in zip(ours.items(), exported.items(), strict=True):
        assert name == other_name
        np.testing.assert_array_equal(one, other)


def test_no_method_imports_another_and_no_network_a_method() -> None:
    here = Path(tcae.model.__file__).parent
    for path in [*(here / "methods").glob("*.py"), *(here / "networks").glob("*.py"), *(here / "recipes").glob("*.py")]:
        found = {
            node.module
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module
        }
        of_methods = {name for name in found if name.startswith("tcae.model.methods.")}
        assert path.stem == "catalogue" or not of_methods, path


@pytest.mark.parametrize("name", sorted(METHODS))
def test_recipes_are_data_and_import_no_torch(name: str) -> None:
    recipes = Path(tcae.model.__file__).parent / "recipes" / f"{name}.py"
    assert "torch" not in recipes.read_text(encoding="utf-8").split()
