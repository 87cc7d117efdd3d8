"""Options that three or more commands share."""

from pathlib import Path

import click

root = click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="The workspace. [default: $TCAE_ROOT, else the current folder]",
)
