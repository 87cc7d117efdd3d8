"""Options that three or more commands share."""

import click

from tcae.manifests.places import place

root = click.option(
    "--root",
    type=place,
    metavar="PATH",
    help="The workspace. [default: $TCAE_ROOT, else the current folder]",
)
