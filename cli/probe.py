"""``tcae probe``."""

from pathlib import Path
from typing import Any

import click

from tcae.cli import options, trained
from tcae.cli.scores import show
from tcae.manifests.errors import ConfigError
from tcae.manifests.labels import labelled_sets
from tcae.manifests.workspace import Workspace, find_workspace
from tcae.model.encoders.embed import EmbedConfig
from tcae.model.probe import ProbeConfig, probe
from tcae.model.probing.encoders import Probed, kept_checkpoints, probed
from tcae.model.probing.linear import LinearConfig
from tcae.model.probing.protocols import PROTOCOLS
from tcae.model.probing.report import write_report
from tcae.model.probing.representations import BOTH
from tcae.model.training.devices import device_of

CONFIG = ProbeConfig(dataset="synthetic")


@click.command("probe")
@options.root
@click.option(
    "--dataset", type=click.Choice(list(PROTOCOLS)), help="The labelled set. [default: the one that has labels here]"
)
@click.option("--encoder", metavar="RUN|EXPORT", help="A run, its folder, or an export. [default: the newest run]")
@trained.checkpoint
@click.option(
    "--embedding",
    "embeddings",
    metavar="NAME",
    multiple=True,
    help=f"What is probed, such as au; {BOTH} is all side by side. May be given several times. [default: each]",
)
@click.option("--split-file", type=click.Path(path_type=Path), help="CSV of identity,split: who is tested.")
@click.option("--l2", default=CONFIG.linear.l2, show_default=True, help="Penalty of the linear probe, 1 / C.")
@click.option("--max-steps", default=CONFIG.linear.max_steps, show_default=True, help="Of its solver.")
@click.option(
    "--balanced/--unbalanced", default=CONFIG.linear.balanced, show_default=True, help="Weigh the rarer class up."
)
@click.option("--neighbours", default=CONFIG.neighbours, show_default=True, help="Of the kNN rows; 0 leaves them out.")
@click.option(
    "--baselines/--no-baselines", default=CONFIG.baselines, show_default=True, help="Untrained, pixels, chance."
)
@click.option("--few/--no-few", default=CONFIG.few, show_default=True, help="Scores with 1, 3, 9 training identities.")
@click.option(
    "--curve", is_flag=True, help="Score every checkpoint that the run has kept, from the untrained encoder on."
)
@click.option("--draws", default=CONFIG.draws, show_default=True, help="Of the bootstrap over identities.")
@click.option("--seed", default=CONFIG.seed, show_default=True, help="Of draws, subsets and pairs of faces.")
@click.option(
    "--to", type=click.Path(path_type=Path), help="Folder. [default: scores/SET/RUN/CHECKPOINT in the workspace]"
)
@click.option("--batch-size", type=int, help="Faces embedded at once. [default: what suits the device]")
@click.option("--threads", default=EmbedConfig().threads, show_default="the machine's cores", help="That decode.")
@click.option("--any-template", is_flag=True, help="Take faces that are aligned to another template.")
@trained.device
def command(
    root: Path | None,
    dataset: str | None,
    encoder: str | None,
    checkpoint: str,
    curve: bool,
    to: Path | None,
    device: Any,
    **settings: Any,
) -> None:
    """Score what a frozen encoder knows of AUs: one linear classifier each, fixed protocols, published rows beside.

    Embeds the labelled faces, fits on some identities and scores others. Results lie in scores/SET/RUN/CHECKPOINT/:
    scores.json, scores.parquet, probe.md, probe.html and figure.png.

    \b
    tcae probe
    tcae probe --root bp4d --dataset bp4d --encoder exports/small
    """  # noqa: D301 - click reads the control character
    workspace = find_workspace(root)
    config = _config(dataset or only_set(workspace), settings)
    where = device_of(device)
    subject = probed(workspace, encoder, checkpoint, where)
    _note(
        f"probing {subject.origin.run}, {subject.origin.checkpoint}, step {subject.origin.step:,}, on {config.dataset}"
    )
    checkpoints = kept_checkpoints(workspace, encoder, where) if curve else ()
    report = probe(workspace, subject, config, checkpoints=checkpoints, follow=trained.followed("embed"), note=_note)
    folder = to or scores_folder(workspace, config, subject)
    write_report(report, folder)
    show(report)
    click.echo(f"{folder}: probe.html, probe.md, scores.json, scores.parquet, figure.png")


def _config(dataset: str, settings: dict[str, Any]) -> ProbeConfig:
    linear = LinearConfig(**{name: settings.pop(name) for name in ("l2", "max_steps", "balanced")})
    embed = EmbedConfig(**{name: settings.pop(name) for name in ("batch_size", "threads", "any_template")})
    return ProbeConfig(dataset=dataset, linear=linear, embed=embed, **settings)


def only_set(workspace: Workspace) -> str:
    """The one labelled set of a workspace that has a protocol of its name.

    Raises:
        ConfigError: there is none, or there are several.
    """
    found = labelled_sets(workspace)
    known = [name for name in PROTOCOLS if name in found]
    if not known:
        raise ConfigError(f"{workspace.root} has no labels; read some with tcae-prep labels, or render tcae-prep demo")
    if len(known) > 1:
        raise ConfigError(
            f"{workspace.root} has labels of {len(known)} sets; name one with --dataset: {', '.join(known)}"
        )
    return known[0]


def scores_folder(workspace: Workspace, config: ProbeConfig, subject: Probed) -> Path:
    """Where the results of a probe lie."""
    return workspace.root / "scores" / config.dataset / subject.origin.run / subject.origin.checkpoint


def _note(text: str) -> None:
    click.echo(text, err=True)
