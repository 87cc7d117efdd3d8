"""Options that three or more commands share."""

import click

from tcae.manifests.places import place

DEFAULT_ROOT = "[default: $TCAE_ROOT, else the current folder]"

root = click.option("--root", type=place, metavar="PATH", help=f"The workspace. {DEFAULT_ROOT}")

stored_root = click.option(
    "--root", type=place, metavar="PATH", help=f"The workspace, or its URL in an object store. {DEFAULT_ROOT}"
)
"""Of commands that need no disk."""
