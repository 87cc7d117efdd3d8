"""The doctor names what is there, what is absent, and what to do about it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tcae.cli.main import prep
from tcae.manifests.errors import MissingToolError
from tcae.manifests.workspace import Workspace
from tcae.pipeline import doctor
from tcae.pipeline.doctor import examine
from tcae.pipeline.readers.codecs import decodable


def test_everything_that_the_pipeline_needs_is_looked_at(workspace: Workspace) -> None:
    states = {finding.name: finding.state for finding in examine(workspace)}
    needed = ("versions", "frame reader", "ffmpeg", "MTCNN weights", "device", "workers", "workspace")
    assert [states[name] for name in needed] == ["ok"] * len(needed)


def test_absent_weights_are_named_with_their_use(workspace: Workspace, tmp_path: Path) -> None:
    found = {finding.name: finding for finding in examine(workspace, str(tmp_path))}["FAN weights"]
    assert found.state == "absent"
    assert str(tmp_path) in found.detail
    assert found.detail.endswith("align --landmarks fan needs this file")


def test_a_missing_tool_makes_the_command_fail(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> str:
        raise MissingToolError("no ffmpeg; install it")

    monkeypatch.setattr(doctor, "ffmpeg_program", absent)
    result = CliRunner().invoke(prep, ["doctor", "--root", str(workspace.root)])
    assert result.exit_code == 1
    assert "no ffmpeg; install it" in result.stdout
    assert result.stdout.splitlines()[-1] == "one thing is missing"


def test_h264_can_be_decoded() -> None:
    assert {"h264", "hevc", "vp9"} <= set(decodable())
