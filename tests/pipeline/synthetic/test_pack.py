from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError
from tcae.pipeline.synthetic.pack import PARTS, HeadPack, cached_pack_path, load_pack, mean_macro_weights


def test_a_pack_comes_back_as_it_was_saved(toy: HeadPack, toy_path: Path) -> None:
    found = load_pack(toy_path)
    for field in fields(HeadPack):
        saved, loaded = getattr(toy, field.name), getattr(found, field.name)
        if isinstance(saved, tuple):
            assert loaded == saved
        else:
            assert loaded.dtype == saved.dtype
            np.testing.assert_allclose(loaded, saved, atol=2e-3)
    assert found.digest == load_pack(toy_path).digest


def test_the_digest_changes_with_any_array(toy: HeadPack) -> None:
    moved = toy.vertices.copy()
    moved[0, 0] += 1
    assert replace(toy, vertices=moved).digest != toy.digest
    assert replace(toy, action_names=toy.action_names[::-1]).digest != toy.digest


def test_the_reference_is_the_mean_of_both_kinds_of_macro_change(toy: HeadPack) -> None:
    expected = toy.vertices + toy.macros[:2].mean(0) + toy.macros[2:].mean(0)
    np.testing.assert_allclose(toy.reference, expected, atol=1e-4)
    np.testing.assert_allclose(mean_macro_weights(("a-b-c", "a-b-c-d", "e-f-g")), [0.5, 1, 0.5])


def test_an_unknown_action_is_refused_by_name(toy: HeadPack) -> None:
    with pytest.raises(ConfigError, match="no action 'earWiggle'; it has browDownLeft"):
        toy.action("earWiggle")


@pytest.mark.parametrize("content", [b"", b"no pack", b"PK\x03\x04 cut short"])
def test_a_damaged_pack_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pack.npz"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"pack\.npz is not a readable head pack"):
        load_pack(path)


def test_a_pack_cut_short_is_refused(toy_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.npz"
    path.write_bytes(toy_path.read_bytes()[:-2000])
    with pytest.raises(ConfigError, match="not a readable head pack"):
        load_pack(path)


def test_a_missing_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not a readable head pack: .*No such file"):
        load_pack(tmp_path / "none.npz")


def test_another_format_is_refused_by_number(toy_path: Path, tmp_path: Path) -> None:
    with np.load(toy_path) as stored:
        arrays = {**stored, "format": np.array(99)}
    np.savez(tmp_path / "new.npz", allow_pickle=False, **arrays)
    with pytest.raises(ConfigError, match="format 99; this release reads 1"):
        load_pack(tmp_path / "new.npz")


def test_the_cache_is_where_the_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cached_pack_path() == tmp_path / "tcae" / "heads-1.npz"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cached_pack_path() == tmp_path / ".cache" / "tcae" / "heads-1.npz"


def test_the_real_pack_is_a_head(heads: HeadPack) -> None:
    assert len(heads.action_names) == 52
    assert len(heads.local_names) > 80
    assert {len(array) for array in (heads.turn, heads.scalp, heads.lips)} == {len(heads.vertices)}
    assert set(heads.corner_part) == set(range(len(PARTS)))
    eyes = heads.reference[heads.corner_vertex[heads.corner_part == PARTS.index("eye")]]
    lips = heads.reference[heads.lips > 0.5]
    assert eyes[:, 1].min() > lips[:, 1].max() + 30  # millimetres
    assert np.ptp(heads.reference[heads.turn > 0.99][:, 0]) == pytest.approx(165, abs=15)  # ear to ear


def test_the_real_actions_move_the_right_places(heads: HeadPack) -> None:
    def middle(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        size = np.linalg.norm(heads.actions[heads.action(name)], axis=1)
        return np.asarray((size[:, None] * heads.reference).sum(0) / size.sum(), np.float32)

    assert middle("browInnerUp")[1] > middle("eyeBlinkLeft")[1] > middle("noseSneerLeft")[1] > middle("jawOpen")[1]
    assert middle("mouthSmileLeft")[0] > 10  # the person's left is the picture's right
    assert middle("mouthSmileRight")[0] < -10
    chin = np.abs(heads.reference - (0, -65, 95)).sum(1).argmin()
    assert heads.actions[heads.action("jawOpen"), chin, 1] < -10
    assert heads.actions[heads.action("browInnerUp"), :, 1].sum() > 0
