"""The command groups: names, lazy imports, and errors turned into exit codes."""

import importlib
from typing import Any

import click

from tcae import __version__
from tcae.manifests.errors import TcaeError

PREP_COMMANDS = {
    "extract": "Take frames out of videos.",
    "align": "Find one face per frame and crop it.",
    "run": "Extract and align in one pass, without frames on disk.",
    "pack": "Put the faces of each shard into one tar.",
    "split": "Assign identities to train, val and test, and index their pairs.",
    "labels": "Read a data set's labels from its own files.",
    "status": "Show what is done, rejected and still to do.",
    "verify": "Check every file and every table of the workspace.",
    "report": "Write one HTML page that shows what became of every clip.",
    "doctor": "Say which decoders, weights and devices are in use.",
    "demo": "Render talking heads with known facial actions as a VoxCeleb2 tree.",
}
"""Each is a module of this folder, imported when it is called; the text is its line in the help."""

COMMANDS = {
    "train": "Train a Twin-Cycle Autoencoder on the workspace's pairs.",
    "probe": "Score what an encoder knows of action units, by fixed protocols.",
    "finetune": "Train an encoder on, with labels of AUs, and score it by the same protocols.",
    "analyse": "Measure what each branch moves, and draw it.",
    "export": "Write the encoder of a run as safetensors with a model card.",
    "embed": "Embed every face of the workspace, or a folder of faces.",
    "retrieve": "Find the faces whose facial actions are nearest to a face's.",
    "swap": "Give a face the facial actions or the pose of another.",
    "import-released": "Turn a checkpoint of the published code into a run.",
}
"""Of `tcae`; a hyphen is an underscore in the module's name."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is called."""

    def __init__(self, *args: Any, commands: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which a user needs them."""
        return list(self.lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None for an unknown name."""
        if cmd_name not in self.lines:
            return None
        command: click.Command = importlib.import_module(f"tcae.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.lines.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error that this project raises on purpose is one line and exit 1."""
        try:
            return super().invoke(ctx)
        except TcaeError as error:
            raise click.ClickException(str(error)) from error


@click.group(
    "tcae-prep", cls=LazyGroup, commands=PREP_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__)
def prep() -> None:
    """Turn talking-face video into aligned faces, splits and pairs.

    \b
    tcae-prep extract --fps 1 --source /data/voxceleb2
    tcae-prep align --workers 32
    tcae-prep split
    """  # noqa: D301


@click.group("tcae", cls=LazyGroup, commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def learn() -> None:
    """Learn facial actions from pairs of faces, and use what was learned.

    \b
    tcae train --recipe small
    tcae embed --run small
    """  # noqa: D301
