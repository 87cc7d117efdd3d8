"""Labels in samples: whose they are, which are wrong, and what is refused."""

import math
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.labels import read_labels, write_labels
from tcae.manifests.pairs import FaceRef, PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data.batches import LoaderConfig, train_batches
from tcae.model.data.cache import faces_of
from tcae.model.data.labels import FaceLabels, face_labels, labels_provenance
from tcae.model.data.sampler import Sampler, fixed_samples
from tcae.model.recipe import DrawConfig, LabelsConfig
from tcae.model.train import train
from tcae.model.training.options import RunOptions
from tests.label_builders import drawn_aus, face_keys, label_faces
from tests.recipe_builders import TINY
from tests.training_builders import make_training_workspace

AUS = ("AU01", "AU12")
CONFIG = LabelsConfig(table="synthetic", aus=AUS, present_above=0.5)
ONE = replace(TINY["noisy"], labels=CONFIG)


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Six identities of eight faces, each labelled; frame k of a clip was frame 25 k of its video."""
    workspace = make_training_workspace(Workspace(tmp_path_factory.mktemp("heads")), identities=6, side=16)
    label_faces(workspace, drawn_aus(face_keys(workspace).num_rows))
    return workspace


def index_of(workspace: Workspace, split: str = "train") -> PairIndex:
    return PairIndex.open(workspace.manifest("pairs") / split)


def labels_of(workspace: Workspace, config: LabelsConfig = CONFIG, seed: int = 0) -> FaceLabels:
    labels = face_labels(workspace, index_of(workspace), config, seed)
    assert labels is not None
    return labels


def relabelled(heads: Workspace, table: pa.Table, dataset: str) -> LabelsConfig:
    write_labels(heads, dataset, table, {})
    return replace(CONFIG, table=dataset)


def test_a_faces_labels_are_those_of_the_frame_that_it_was_cut_from(heads: Workspace) -> None:
    rows = read_labels(heads, "synthetic").to_pylist()
    given = {(row["identity"], row["video"], row["clip"], row["source_frame"]): row for row in rows}
    labels = labels_of(heads)
    assert set(labels.known) == set(faces_of(index_of(heads)))
    for face, known in labels.known.items():
        row = given[face.identity, face.video, face.clip, 25 * face.frame]
        assert known == tuple(float(row[au] > 0.5) for au in AUS)


def test_a_run_without_labels_has_none(heads: Workspace) -> None:
    assert face_labels(heads, index_of(heads), LabelsConfig(), 0) is None
    assert labels_provenance(heads, LabelsConfig()) == {}


def test_all_aus_of_a_table_are_taken_where_none_is_named(heads: Workspace) -> None:
    assert labels_of(heads, replace(CONFIG, aus=())).config.aus == AUS


def test_a_sample_is_a_labelled_face_and_its_labels(heads: Workspace) -> None:
    labels = labels_of(heads)
    sampler = Sampler(index_of(heads), ONE, labels)
    for number in range(40):
        sample = sampler.sample(number)
        assert sample.labels == labels.known[sample.faces[0]]
    assert {sampler.sample(number).faces[0] for number in range(300)} == set(labels.known)


def test_each_identity_comes_once_an_epoch(heads: Workspace) -> None:
    sampler = Sampler(index_of(heads), ONE, labels_of(heads))
    epoch = [sampler.sample(number).faces[0].identity for number in range(sampler.num_identities)]
    assert sorted(epoch) == index_of(heads).identity_names


def test_faces_and_identities_without_labels_are_never_drawn(heads: Workspace) -> None:
    table = read_labels(heads, "synthetic")
    names = index_of(heads).identity_names
    rows = table.to_pandas()
    some = rows[(rows["identity"] != names[0]) & (rows["clip"] == 0)].copy()
    some.loc[some["identity"] == names[1], "AU01"] = np.nan
    unknown = (some["identity"] == names[2]) & (some["source_frame"] == 0)
    some.loc[unknown, list(AUS)] = np.nan
    config = relabelled(heads, pa.Table.from_pandas(some, table.schema, preserve_index=False), "some")
    sampler = Sampler(index_of(heads), ONE, labels_of(heads, config))
    drawn = [sampler.sample(number) for number in range(200)]
    faces = {sample.faces[0] for sample in drawn}
    assert {face.identity for face in faces} == set(names[1:])
    assert {face.clip for face in faces} == {0}
    assert FaceRef(names[2], "v", 0, 0) not in faces
    assert all(math.isnan(sample.labels[0]) for sample in drawn if sample.faces[0].identity == names[1])


def test_noise_turns_its_part_of_the_labels_and_always_the_same(heads: Workspace) -> None:
    noisy = labels_of(heads, replace(CONFIG, noise=0.25))
    again = pickle.loads(pickle.dumps(noisy))
    faces = [FaceRef("id", "v", clip, frame) for clip in range(20) for frame in range(50)]
    many = replace(noisy, known=dict.fromkeys(faces, (1.0, 0.0)))
    made = np.array([many.of(face) for face in faces])
    assert np.mean(made[:, 0] == 0) == pytest.approx(0.25, abs=0.04)
    assert np.mean(made[:, 1] == 1) == pytest.approx(0.25, abs=0.04)
    assert np.corrcoef(made[:, 0] == 0, made[:, 1] == 1)[0, 1] == pytest.approx(0, abs=0.1)
    for face in noisy.known:
        assert noisy.of(face) == again.of(face)


def test_noise_depends_on_the_seed_and_not_on_which_other_aus_are_learned(heads: Workspace) -> None:
    half = replace(CONFIG, noise=0.5)
    one, other = labels_of(heads, half), labels_of(heads, half, seed=1)
    assert [one.of(face) for face in one.known] != [other.of(face) for face in other.known]
    alone = labels_of(heads, replace(half, aus=("AU12",)))
    assert [alone.of(face)[0] for face in one.known] == [one.of(face)[1] for face in one.known]


def test_a_missing_label_stays_missing_whatever_the_noise() -> None:
    face = FaceRef("id", "v", 0, 0)
    labels = FaceLabels(config=replace(CONFIG, noise=0.5), seed=0, known={face: (math.nan, math.nan)})
    assert all(map(math.isnan, labels.of(face)))


def test_labels_reach_the_batch_beside_their_faces(heads: Workspace) -> None:
    index, labels = index_of(heads), labels_of(heads)
    sampler = Sampler(index, ONE, labels)
    batches = train_batches(heads, index, ONE, LoaderConfig(workers=0), start_step=0, stop_step=3)
    found = [row for batch in batches for row in batch.labels.tolist()]
    assert found == [list(sampler.sample(number).labels) for number in range(3 * ONE.batch_size)]


def test_vals_samples_are_labelled_too(heads: Workspace) -> None:
    index = index_of(heads, "val")
    labels = face_labels(heads, index, CONFIG, 0)
    assert labels is not None
    samples = fixed_samples(index, ONE, 5, labels)
    assert [sample.labels for sample in samples] == [labels.known[sample.faces[0]] for sample in samples]


def test_another_table_is_other_data(heads: Workspace) -> None:
    table = read_labels(heads, "synthetic")
    other = relabelled(heads, table.set_column(table.column_names.index("AU01"), "AU01", table["AU12"]), "other")
    assert labels_provenance(heads, CONFIG).keys() == {"labels"}
    assert labels_provenance(heads, CONFIG) != labels_provenance(heads, other)


def test_a_run_is_not_gone_on_with_by_other_labels(tmp_path: Path) -> None:
    workspace = make_training_workspace(Workspace(tmp_path), identities=4, tracks=1, faces=2, side=16)
    options = RunOptions(device="cpu", loader=LoaderConfig(workers=0))
    label_faces(workspace, drawn_aus(8))
    train(workspace, replace(ONE, steps=1), options, "run")
    label_faces(workspace, drawn_aus(8, seed=1))
    with pytest.raises(ConfigError, match=r"run run was started with other settings: data.labels"):
        train(workspace, replace(ONE, steps=1), options, "run")


def test_labels_that_cannot_be_learned_from_are_refused(heads: Workspace) -> None:
    table = read_labels(heads, "synthetic")
    rows = table.to_pandas().assign(identity="nobody").drop_duplicates("source_frame")
    strangers = relabelled(heads, pa.Table.from_pandas(rows, table.schema, preserve_index=False), "strangers")
    for config, message in (
        (replace(CONFIG, table="nothing"), "has no labels of nothing"),
        (replace(CONFIG, aus=("AU01", "AU99")), "lacks AU99, which labels.aus asks for; it has AU01, AU12"),
        (strangers, "none of the 4 labelled frames of strangers is one of the 24 faces to learn from"),
    ):
        with pytest.raises(ConfigError, match=message):
            face_labels(heads, index_of(heads), config, 0)
    with pytest.raises(ConfigError, match=r"draw.kind must be one, not pair"):
        Sampler(index_of(heads), replace(ONE, draw=DrawConfig(kind="pair")), labels_of(heads))


def test_noise_of_more_than_a_half_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"labels\.noise must be in 0 to 0.5"):
        LabelsConfig(noise=0.6)
