"""The door to the probe: an encoder and a labelled set in, a report out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from tcae.manifests.errors import ConfigError
from tcae.manifests.face_files import FaceFiles
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.embed import EmbedConfig, Follow
from tcae.model.encoders.facts import TCAE
from tcae.model.probing import classifiers
from tcae.model.probing.curves import few_labels, learning_curve
from tcae.model.probing.encoders import START, UNTRAINED, Probed, started, untrained
from tcae.model.probing.folds import folds_of
from tcae.model.probing.labelled import LabelledFaces, labelled_faces
from tcae.model.probing.linear import Features, LinearConfig
from tcae.model.probing.pixels import pixels, read_grey
from tcae.model.probing.protocols import Protocol, protocol_of
from tcae.model.probing.representations import Representation, chosen, embed_faces, fixed, named, read_embeddings
from tcae.model.probing.results import CurvePoint, FewPoint, OtherScore, ProbeReport
from tcae.model.probing.scoring import Compared, score_angles, score_aus, score_classes, score_leak
from tcae.model.probing.similarity import similarity_scores
from tcae.model.probing.trials import Trial

FEW_PAIRS = 100_000
"""Samples; below it TCAE shows no gain in AUs on rendered heads (docs/rendered-heads.md); the published training has
some 5 million."""

Note = Callable[[str], None]
"""Is told what a user should know before the work is done."""


@dataclass(frozen=True, kw_only=True)
class ProbeConfig:
    """What is scored, and how; all of it stands in the report."""

    dataset: str
    """A name of ``protocols.PROTOCOLS``."""
    embeddings: tuple[str, ...] = ()
    """Of the encoder's, and ``both`` for all of them beside each other; none names all of the encoder's."""
    linear: LinearConfig = field(default_factory=LinearConfig)
    embed: EmbedConfig = field(default_factory=EmbedConfig)
    split_file: Path | None = None
    """Who is tested, instead of what the protocol says."""
    neighbours: int = 20
    """Of the kNN rows; 0 leaves them out."""
    baselines: bool = True
    """Whether an untrained encoder, the weights that the run began with, and the pixels are scored too."""
    few: bool = True
    """Whether it is scored with few labelled identities."""
    draws: int = 1000
    """Of the bootstrap over identities."""
    seed: int = 0
    """Of draws, subsets, pairs of faces and the untrained encoder."""

    def __post_init__(self) -> None:
        protocol_of(self.dataset)
        if self.neighbours < 0 or self.draws < 1 or self.seed < 0:
            raise ConfigError(
                f"neighbours {self.neighbours} and seed {self.seed} must be at least 0, draws {self.draws} at least 1"
            )


def probe(
    workspace: Workspace,
    subject: Probed,
    config: ProbeConfig,
    *,
    checkpoints: Iterable[Probed] = (),
    follow: Follow = lambda items, total: items,
    note: Note = lambda text: None,
) -> ProbeReport:
    """Score what a frozen encoder knows.

    Args:
        workspace: Has the faces and their labels; embeddings are kept in it. One caller at a time is the caller's
            promise.
        subject: The encoder.
        config: What is scored, and how.
        checkpoints: Encoders for the learning curve.
        follow: Is given the parts of ``faces`` to loop over.
        note: Is told what a user should know before the work is done.

    Raises:
        ConfigError: the encoder has no such embedding; labels, faces or a list of who is tested are missing, or do not
            meet.
        ManifestError: a table is damaged.
        WorkspaceError: embeddings cannot be written.
    """
    protocol = protocol_of(config.dataset)
    names = chosen(list(subject.encoder.widths), config.embeddings)
    trial, notes = _trial(workspace, protocol, labelled_faces(workspace, protocol), config)
    notes += _budget(subject) + _start(subject)
    embedder = _Embedder(workspace, config.embed, follow, note)
    found, embeddings = read_embeddings(embedder.folder(subject), trial.faces.rows)
    trial = trial.those(found)
    note(_count(trial.faces))
    compared = Compared(
        probed=[fixed(name, named(embeddings, name)) for name in names],
        baselines=list(_baselines(workspace, subject, trial, embedder, config)) if config.baselines else [],
        neighbours=config.neighbours,
    )
    return _report(subject, protocol, config, trial, compared, notes, embedder, checkpoints)


@dataclass(frozen=True)
class _Embedder:
    """Embeds the workspace's faces with one encoder after another."""

    workspace: Workspace
    config: EmbedConfig
    follow: Follow
    note: Note

    def folder(self, subject: Probed) -> Path:
        return embed_faces(self.workspace, subject, self.config, follow=self.follow, note=self.note)

    def embeddings(self, subject: Probed, faces: LabelledFaces) -> Mapping[str, Features]:
        """Of faces that another encoder has embedded before: those can be read."""
        found, embeddings = read_embeddings(self.folder(subject), faces.rows)
        if not np.all(found):
            raise ConfigError(f"{(~found).sum()} faces could be read before and cannot now; run tcae probe again")
        return embeddings


def _trial(
    workspace: Workspace, protocol: Protocol, faces: LabelledFaces, config: ProbeConfig
) -> tuple[Trial, list[str]]:
    folds, notes = folds_of(protocol, faces.rows, workspace, config.split_file)
    missing = int((faces.presence < 0).sum())
    notes = [
        *([protocol.note] if protocol.note else []),
        *notes,
        *([f"missing labels of AUs, which count nowhere: {missing:,}"] if missing else []),
    ]
    return Trial(faces=faces, folds=tuple(folds), draws=config.draws, seed=config.seed), notes


def _budget(subject: Probed) -> list[str]:
    """What must not be expected of a short training."""
    seen = subject.pairs_seen
    if seen is None or seen >= FEW_PAIRS:
        return []
    if subject.encoder.method != TCAE:
        return [
            f"this encoder has seen {seen:,} samples: its rows show how the probe works, not what the method can do"
        ]
    return [
        f"this encoder has seen {seen:,} pairs. Movements of the head are learned first and AUs long after: its rows "
        "show how the probe works, not what the method can do"
    ]


def _start(subject: Probed) -> list[str]:
    """Why a row is missing."""
    path = subject.begins_with
    if path is None or path.is_file():
        return []
    return [f"the weights that this run began with have no row: {path} is not there"]


def _count(faces: LabelledFaces) -> str:
    return (
        f"{faces.num_labelled_frames:,} labelled frames = {len(faces.rows):,} with a face + {faces.num_without_face:,} "
        "without"
    )


def _baselines(
    workspace: Workspace, subject: Probed, trial: Trial, embedder: _Embedder, config: ProbeConfig
) -> Iterator[Representation]:
    first, start = subject.encoder.named(), started(subject)
    yield fixed(UNTRAINED, embedder.embeddings(untrained(subject, config.seed), trial.faces)[first])
    if start:
        yield fixed(START, embedder.embeddings(start, trial.faces)[first])
    yield pixels(read_grey(trial.faces.files(workspace), FaceFiles(workspace).read))


def _report(
    subject: Probed,
    protocol: Protocol,
    config: ProbeConfig,
    trial: Trial,
    compared: Compared,
    notes: Sequence[str],
    embedder: _Embedder,
    checkpoints: Iterable[Probed],
) -> ProbeReport:
    is_aus = protocol.task == "aus"
    aus = list(score_aus(compared, trial, config.linear)) if is_aus else []
    angles = list(score_angles(compared, trial, config.linear))
    return ProbeReport(
        dataset=protocol.name,
        title=protocol.title,
        origin=subject.origin.provenance(),
        protocol=_settings(protocol, config, trial),
        num_labelled_frames=trial.faces.num_labelled_frames,
        num_without_face=trial.faces.num_without_face,
        notes=notes,
        aus=aus,
        angles=angles,
        classes=list(score_classes(compared, trial, config.linear)) if protocol.task == "classes" else [],
        leak=score_leak(aus, angles),
        others=list(_similarities(compared, trial)),
        few=list(_few(compared, trial, config)) if is_aus and config.few else [],
        curve=list(_curve(trial, config, embedder, checkpoints)) if is_aus else [],
        displacement_ratio=subject.displacement_ratio,
    )


def _similarities(compared: Compared, trial: Trial) -> Iterator[OtherScore]:
    for representation in compared.probed:
        yield from similarity_scores(representation.name, representation.of_fold(trial.folds[0]), trial)


def _few(compared: Compared, trial: Trial, config: ProbeConfig) -> Iterator[FewPoint]:
    for representation in compared.probed:
        yield from few_labels(representation, classifiers.linear(config.linear), trial)


def _curve(
    trial: Trial, config: ProbeConfig, embedder: _Embedder, checkpoints: Iterable[Probed]
) -> Iterator[CurvePoint]:
    def embed(subject: Probed) -> dict[str, Features]:
        embeddings = embedder.embeddings(subject, trial.faces)
        return {name: named(embeddings, name) for name in chosen(list(embeddings), config.embeddings)}

    return learning_curve(checkpoints, embed, classifiers.linear(config.linear), trial)


def _settings(protocol: Protocol, config: ProbeConfig, trial: Trial) -> dict[str, str]:
    """Every option, as text."""
    linear = asdict(config.linear)
    fitted = sum(int(fold.fitted.sum()) for fold in trial.folds)
    scored = sum(int(fold.scored.sum()) for fold in trial.folds)
    return {
        "present above": f"{protocol.present_above:g}",
        "folds": protocol.folds or protocol.split,
        "faces fitted on, over all folds": f"{fitted:,}",
        "faces scored": f"{scored:,}",
        "identities scored, by fold": ", ".join(f"{len(trial.people(fold.scored)):,}" for fold in trial.folds),
        "decision": "probability above 0.5",
        **{f"linear {name}": str(value) for name, value in linear.items()},
        "neighbours": str(config.neighbours),
        "bootstrap draws": str(config.draws),
        "seed": str(config.seed),
        "split file": config.split_file.name if config.split_file else "none",
        "any template": str(config.embed.any_template),
    }
