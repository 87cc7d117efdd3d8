"""The door to fine-tuning: an encoder and a labelled set in, a report out, one network for each fold."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from tcae.manifests.errors import ConfigError
from tcae.manifests.face_files import FaceFiles
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.embeddings import Origin
from tcae.model.encoders.face_encoder import load_network
from tcae.model.probing import classifiers
from tcae.model.probing.aus import Decided, au_scores, decide, decided
from tcae.model.probing.encoders import folder_of
from tcae.model.probing.folds import folds_of
from tcae.model.probing.labelled import labelled_faces
from tcae.model.probing.linear import Features
from tcae.model.probing.protocols import Protocol, protocol_of
from tcae.model.probing.representations import fixed
from tcae.model.probing.results import CHANCE, AuScore, ProbeReport
from tcae.model.probing.scoring import MAJORITY
from tcae.model.probing.trials import Trial
from tcae.model.probing.tuning import Pictures, Start, TuneConfig, logits_of, tuned
from tcae.model.training.runs import load_trained

Note = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """What is fine-tuned and scored, and how; all of it stands in the report."""

    dataset: str
    """A name of ``protocols.PROTOCOLS`` whose AUs are labelled."""
    tune: TuneConfig = field(default_factory=TuneConfig)
    split_file: Path | None = None
    """Who is tested, instead of what the protocol says."""
    draws: int = 1000
    """Of the bootstrap over identities."""

    def __post_init__(self) -> None:
        if protocol_of(self.dataset).task != "aus":
            raise ConfigError(f"{self.dataset} has no AUs to fine-tune on; take a set that has")
        if self.draws < 1:
            raise ConfigError(f"draws must be at least 1, not {self.draws}")


def start_of(
    workspace: Workspace,
    name: str | None,
    checkpoint: str = "best",
    embedding: str | None = None,
    device: torch.device | None = None,
) -> tuple[Start, Origin]:
    """The encoder that a user named, as it was trained, and where it comes from.

    Args:
        workspace: Has the run, if ``name`` is not a path.
        name: A run of the workspace, the folder of a run anywhere, or what `tcae export` wrote; None is the newest run.
        checkpoint: Of a run: ``best``, ``last`` or the number of a step.
        embedding: The one to fine-tune on; None is the first.
        device: Where folds are trained, by default the CPU.

    Raises:
        ConfigError: there is no run, or it has no such embedding.
        CheckpointError: what was named is none of these, or damaged.
    """
    run = folder_of(workspace, name)
    if run is None:
        facts, encoder = load_network(Path(str(name)))
        network, seen, origin = facts.network, facts.view, Origin.of_export(facts, encoder.state_dict())
    else:
        trained = load_trained(Workspace(run.path.parent.parent), run.name, checkpoint)
        encoder, network, seen = trained.model.encoder, trained.recipe.network, trained.recipe.view
        origin = Origin.of(trained)
    chosen = embedding or next(iter(network.widths))
    if chosen not in network.widths:
        raise ConfigError(f"{origin.run} has no embedding {chosen!r}; it has {', '.join(network.widths)}")
    where = device or torch.device("cpu")
    width = network.widths[chosen]
    return Start(encoder=encoder, embedding=chosen, width=width, size=network.size, view=seen, device=where), origin


def finetune(
    workspace: Workspace, start: Start, origin: Origin, config: FinetuneConfig, note: Note = lambda text: None
) -> ProbeReport:
    """Train a copy of the encoder on each fold, and score it on the fold's other faces.

    Args:
        workspace: Has the faces and their labels.
        start: What every fold begins with.
        origin: Where that comes from, for the report.
        config: What is scored, and how.
        note: Is told how far it is.

    Raises:
        ConfigError: labels, faces or a list of who is tested are missing, or do not meet.
        ManifestError: a table is damaged.
    """
    protocol = protocol_of(config.dataset)
    faces = labelled_faces(workspace, protocol)
    folds, notes = folds_of(protocol, faces.rows, workspace, config.split_file)
    trial = Trial(faces=faces, folds=tuple(folds), draws=config.draws, seed=config.tune.seed)
    pictures = Pictures(paths=faces.files(workspace), read=FaceFiles(workspace).read)
    made = [_decided(start, pictures, trial, number, config.tune, note) for number in range(len(folds))]
    unread = sum(int(fold.scored.sum()) for fold in folds) - sum(len(each.labels) for each in made)
    return ProbeReport(
        dataset=protocol.name,
        title=f"{protocol.title}, fine-tuned",
        origin=origin.provenance(),
        protocol=_settings(protocol, config, start, trial),
        num_labelled_frames=faces.num_labelled_frames,
        num_without_face=faces.num_without_face,
        notes=[
            *([protocol.note] if protocol.note else []),
            *notes,
            *([f"scored faces that cannot be read are left out: {unread:,}"] if unread else []),
        ],
        aus=list(_scores(made, start, trial)),
    )


def _decided(start: Start, pictures: Pictures, trial: Trial, number: int, config: TuneConfig, note: Note) -> Decided:
    fold, presence = trial.folds[number], trial.faces.presence
    note(
        f"fold {fold.name}, {number + 1} of {len(trial.folds)}: {config.steps:,} steps on {fold.fitted.sum():,} faces "
        f"of {len(trial.people(fold.fitted)):,} identities"
    )
    model = tuned(start, pictures, presence, fold.fitted, config, number)
    found, logits = logits_of(model, start, pictures, fold.scored, config.threads)
    return decided(replace(fold, scored=found), logits, trial)


def _scores(made: Sequence[Decided], start: Start, trial: Trial) -> Iterator[AuScore]:
    """Rows of the fine-tuned networks, and of knowing nothing."""
    yield from au_scores(f"fine-tuned {start.embedding}", made, trial)
    nothing: Features = np.zeros((len(trial.faces.rows), 1), np.float32)
    for name, classifier in ((CHANCE, classifiers.all_positive), (MAJORITY, classifiers.majority)):
        yield from au_scores(name, decide(fixed(name, nothing), classifier, trial), trial)


def _settings(protocol: Protocol, config: FinetuneConfig, start: Start, trial: Trial) -> dict[str, str]:
    """Every option, as text."""
    return {
        "present above": f"{protocol.present_above:g}",
        "folds": protocol.folds or protocol.split,
        "identities scored, by fold": ", ".join(f"{len(trial.people(fold.scored)):,}" for fold in trial.folds),
        "decision": "probability above 0.5, after the last step",
        "embedding": start.embedding,
        **{f"fine-tuning {name}": str(value) for name, value in asdict(config.tune).items()},
        "bootstrap draws": str(config.draws),
        "split file": config.split_file.name if config.split_file else "none",
    }
