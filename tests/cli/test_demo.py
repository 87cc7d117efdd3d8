import importlib.util
from pathlib import Path

import pytest
from click.testing import CliRunner

from tcae.cli.main import prep
from tcae.pipeline.synthetic.pack import save_pack
from tests.pipeline.synthetic.builders import toy_pack


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "toy.npz"
    save_pack(toy_pack(), path)
    return path


def test_it_says_in_one_sentence_what_was_made_and_what_comes_next(tmp_path: Path, pack: Path) -> None:
    size = ["--identities", "1", "--clips", "1", "--seconds", "0.08", "--workers", "0"]
    done = CliRunner().invoke(prep, ["demo", "--root", str(tmp_path / "demo"), "--pack", str(pack), *size])
    assert done.exit_code == 0
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith("1 clips rendered now of 1 by 1 identities in ")
    assert done.stdout.endswith("next: tcae-prep extract --fps 1\n")
    assert "1 of 1 clips rendered" in done.stderr
    assert (tmp_path / "demo" / "labels" / "synthetic.parquet").is_file()


def test_without_a_head_model_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = CliRunner().invoke(prep, ["demo", "--root", str(tmp_path / "demo")])
    assert done.exit_code == 1
    assert 'pip install "tcae[demo]"' in done.stderr
    assert not (tmp_path / "demo").exists()


def test_nonsense_is_one_line(tmp_path: Path, pack: Path) -> None:
    done = CliRunner().invoke(
        prep, ["demo", "--root", str(tmp_path / "demo"), "--pack", str(pack), "--identities", "0"]
    )
    assert done.exit_code == 1
    assert done.stderr == "Error: identities is 0; it must be from 1 to 9999\n"
