"""Every command of the README is run, save those under a heading that says so."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from tcae.cli.main import learn, prep
from tcae.manifests.rows import type_of_table

README = Path(__file__).resolve().parents[1] / "README.md"
NOT_RUN = re.compile(r"not( run)? by the tests|by hand", re.IGNORECASE)

pytestmark = pytest.mark.skipif(not README.exists(), reason="runs in a checkout, not against a wheel")


def sections(text: str) -> Iterator[tuple[str, str]]:
    """Headings with the text under each."""
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def commands(text: str) -> list[str]:
    """The lines of the shell blocks under the headings whose commands are run."""
    lines = []
    for heading, body in sections(text):
        if not NOT_RUN.search(heading):
            for block in re.findall(r"^```sh\n(.*?)^```", body, flags=re.MULTILINE | re.DOTALL):
                lines += [line.split("#")[0].strip() for line in block.splitlines() if line.strip()]
    return lines


def test_commands_are_found_and_those_that_are_not_run_are_left_out() -> None:
    text = "# A\n```sh\ntcae-prep x --y 1  # why\n```\n## B (not run by the tests)\n```sh\nrm -rf /\n```\n"
    assert commands(text) == ["tcae-prep x --y 1"]


def test_the_five_words_of_the_product_are_in_the_readme() -> None:
    found = commands(README.read_text())
    assert "tcae-prep extract --fps 1" in found
    assert "tcae-prep align --workers 32" in found
    assert "tcae-prep split" in found


def test_every_command_of_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TCAE_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    for line in commands(README.read_text()):
        program, *arguments = shlex.split(line)
        result = CliRunner().invoke({"tcae-prep": prep, "tcae": learn}[program], arguments)
        assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception}"
    assert (tmp_path / "report.html").exists()
    assert any((tmp_path / "one-pass" / "faces").glob("*.tar"))
    assert (tmp_path / "runs" / "small" / "encoder" / "encoder.safetensors").exists()


@pytest.mark.parametrize("table", type_of_table)
def test_every_column_is_explained_in_the_readme(table: str) -> None:
    body = dict(sections(README.read_text()))["Columns"]
    missing = [field.name for field in fields(type_of_table[table]) if f"`{field.name}`" not in body]
    assert not missing


def test_every_reason_is_named_in_the_readme() -> None:
    from tests.test_architecture import error_classes

    text = README.read_text()
    reasons = {error.__dict__["reason"] for error in error_classes() if "reason" in error.__dict__}
    assert not {reason for reason in reasons if f"`{reason}`" not in text}


def test_the_tests_that_the_table_of_faults_names_are_there() -> None:
    faults = dict(sections(README.read_text()))["What can go wrong, and what happens then"]
    named = re.findall(r"`([a-z_/]+\.py)`", faults)
    assert len(named) > 30
    assert [name for name in named if not (Path(__file__).parent / name).exists()] == []
