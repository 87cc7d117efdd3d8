"""``tcae finetune``."""

from pathlib import Path
from typing import Any

import click

from tcae.cli import options, trained
from tcae.cli.probe import only_set
from tcae.cli.scores import show
from tcae.manifests.workspace import find_workspace
from tcae.model.finetune import FinetuneConfig, finetune, start_of
from tcae.model.probing.protocols import PROTOCOLS
from tcae.model.probing.report import write_report
from tcae.model.probing.tuning import TuneConfig
from tcae.model.training.devices import device_of

TUNE = TuneConfig()


@click.command("finetune")
@options.root
@click.option(
    "--dataset",
    type=click.Choice([name for name, protocol in PROTOCOLS.items() if protocol.task == "aus"]),
    help="The labelled set. [default: the one that has labels here]",
)
@click.option("--encoder", metavar="RUN|EXPORT", help="A run, its folder, or an export. [default: the newest run]")
@trained.checkpoint
@click.option("--embedding", help="What the new layer sees. [default: the encoder's first]")
@click.option("--split-file", type=click.Path(path_type=Path), help="CSV of identity,split: who is tested.")
@click.option("--steps", default=TUNE.steps, show_default=True, help="Of each fold.")
@click.option("--batch-size", default=TUNE.batch_size, show_default=True, help="Faces of a step.")
@click.option("--lr", default=TUNE.lr, show_default=True, help="Of Adam, for all weights.")
@click.option("--weight-decay", default=TUNE.weight_decay, show_default=True)
@click.option("--drop", default=TUNE.drop, show_default=True, help="Part of the embedding left out in training.")
@click.option("--mirrored", default=TUNE.mirrored, show_default=True, help="Probability that a face is mirrored.")
@click.option("--threads", default=TUNE.threads, show_default=True, help="That decode faces.")
@click.option("--seed", default=TUNE.seed, show_default=True, help="Of the new layer, orders, crops and draws.")
@click.option("--draws", default=1000, show_default=True, help="Of the bootstrap over identities.")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="Folder. [default: scores/SET/RUN/CHECKPOINT/finetuned in the workspace]",
)
@trained.device
def command(
    root: Path | None,
    dataset: str | None,
    encoder: str | None,
    checkpoint: str,
    embedding: str | None,
    split_file: Path | None,
    draws: int,
    to: Path | None,
    device: Any,
    **tune: Any,
) -> None:
    """Train an encoder on, with a new layer for AUs: a network for each fold, scored on the fold's other identities.

    Nothing is chosen by the scored faces: what the last step left is scored. Results lie in
    scores/SET/RUN/CHECKPOINT/finetuned/, in the files that tcae probe writes.

    \b
    tcae finetune --encoder noisy-small --dataset synthetic
    tcae finetune --root disfa --dataset disfa-fg2020 --encoder exports/small
    """  # noqa: D301 - click reads the control character
    workspace = find_workspace(root)
    config = FinetuneConfig(
        dataset=dataset or only_set(workspace), tune=TuneConfig(**tune), split_file=split_file, draws=draws
    )
    start, origin = start_of(workspace, encoder, checkpoint, embedding, device_of(device))
    _note(f"fine-tuning {origin.run}, {origin.checkpoint}, step {origin.step:,}, on {config.dataset}")
    report = finetune(workspace, start, origin, config, _note)
    folder = to or workspace.root / "scores" / config.dataset / origin.run / origin.checkpoint / "finetuned"
    write_report(report, folder)
    show(report)
    click.echo(f"{folder}: probe.html, probe.md, scores.json, scores.parquet, figure.png")


def _note(text: str) -> None:
    click.echo(text, err=True)
