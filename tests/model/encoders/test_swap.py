"""Faces that are changed, and the pictures of a video."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import ClipKey
from tcae.manifests.workspace import Workspace
from tcae.model.data.faces import decoded_side, read_face
from tcae.model.display.pictures import enlarged, picture_of
from tcae.model.encoders.reading import Face
from tcae.model.encoders.swap import Film, seen, side_by_side, swap
from tcae.model.encoders.twin_cycles import tcae_of
from tests.encoder_builders import trained
from tests.training_builders import make_training_workspace

RUN = trained()
MODEL = tcae_of(RUN)


def faces(num: int, seed: int = 0, side: int = 16) -> Face:
    return np.random.default_rng(seed).integers(0, 256, (num, side, side, 3), dtype=np.uint8)


def test_the_changed_faces_are_those_of_the_network() -> None:
    source, target = faces(3, 0), faces(3, 1)
    made = swap(MODEL, RUN.recipe, source, target)
    views = seen(source, RUN.recipe, "cpu"), seen(target, RUN.recipe, "cpu")
    with torch.no_grad():
        changed = MODEL.change(views[0], *MODEL.embed(*views))
    assert len(made) == 3
    for row, one in enumerate(made):
        for name in ("au_image", "pose_image", "output"):
            np.testing.assert_allclose(getattr(one, name), getattr(changed, name)[row].numpy(), atol=1e-6)
        np.testing.assert_allclose(one.source, views[0][row].numpy(), atol=1e-6)
        np.testing.assert_allclose(one.target, views[1][row].numpy(), atol=1e-6)


def test_a_batch_is_swapped_as_its_faces_are_one_by_one() -> None:
    source, target = faces(3, 0), faces(3, 1)
    for row, one in enumerate(swap(MODEL, RUN.recipe, source, target)):
        alone = swap(MODEL, RUN.recipe, source[row : row + 1], target[row : row + 1])[0]
        np.testing.assert_allclose(one.output, alone.output, atol=1e-5)


def test_only_the_centre_of_a_face_is_seen() -> None:
    """192 of 256 pixels, as the recipe says: of these 16 all but two at each edge, and what bilinear sampling adds."""
    face = faces(1)
    framed, changed = face.copy(), face.copy()
    framed[:, :, [0, -1]] = framed[:, [0, -1]] = 0
    changed[:, 2:14, 2:14] = 0
    whole = seen(face, RUN.recipe, "cpu")
    assert whole.shape == (1, 3, 8, 8)
    assert torch.equal(seen(framed, RUN.recipe, "cpu"), whole)
    assert not torch.equal(seen(changed, RUN.recipe, "cpu"), whole)


@pytest.fixture
def clips(workspace: Workspace) -> tuple[Path, Path]:
    """Two clips of five and three faces; their folders."""
    make_training_workspace(workspace, identities=2, tracks=1, faces=5, side=32)
    folders = [workspace.clip_folder("faces", ClipKey(f"id{identity}", "v", 0)) for identity in range(2)]
    for frame in (3, 4):
        workspace.picture("faces", ClipKey("id1", "v", 0), frame).unlink()
    return folders[0], folders[1]


def test_the_longer_clip_is_cut(clips: tuple[Path, Path]) -> None:
    film = Film.of(RUN, *clips)
    assert len(film.pairs) == 3
    assert film.num_cut == 2
    pictures = list(film)
    assert film.num_made == len(pictures) == 3
    side = decoded_side(8)
    for picture, (source, target) in zip(pictures, film.pairs, strict=True):
        assert source.name == target.name
        made = swap(MODEL, RUN.recipe, read_face(source, side)[None], read_face(target, side)[None])[0]
        assert np.abs(picture.astype(int) - side_by_side(made)).max() <= 1


def test_a_single_face_stands_beside_every_face_of_a_clip(clips: tuple[Path, Path]) -> None:
    face = clips[1] / "img_0_001.jpg"
    assert Film.of(RUN, face, clips[0]).pairs == [(face, clips[0] / f"img_0_00{number}.jpg") for number in range(1, 6)]
    assert Film.of(RUN, clips[0], face).num_cut == 0
    assert Film.of(RUN, face, face).pairs == [(face, face)]


def test_unreadable_faces_are_left_out_with_their_pairs(clips: tuple[Path, Path]) -> None:
    (clips[0] / "img_0_001.jpg").write_bytes(b"")
    (clips[1] / "img_0_003.jpg").write_bytes(b"")
    film = Film.of(RUN, *clips)
    assert len(list(film)) == film.num_made == 1
    assert len(film.unreadable) == 2
    assert "img_0_001.jpg" in film.unreadable[0]


def test_an_empty_folder_is_refused(tmp_path: Path, clips: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match="holds no faces"):
        Film.of(RUN, clips[0], tmp_path)


def test_a_picture_of_a_video_shows_five_faces_and_has_even_sides() -> None:
    made = swap(MODEL, RUN.recipe, faces(1, 0), faces(1, 1))[0]
    picture = side_by_side(made)
    assert picture.shape[0] % 2 == picture.shape[1] % 2 == 0
    for number, name in enumerate(("source", "target", "au_image", "pose_image", "output")):
        face = enlarged(picture_of(getattr(made, name)), 24)  # 8 px to 192
        left = number * (192 + 4)
        assert any(
            np.array_equal(picture[top : top + 192, left : left + 192], face) for top in range(len(picture) - 191)
        )
