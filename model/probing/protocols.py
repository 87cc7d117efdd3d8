"""The protocols: for each labelled set what is scored, when an AU counts as present, and who is tested.

Sources: Li et al., CVPR 2019, section 4 (BP4D, DISFA, GFT); the lists of each released code (folds); FaceCycle, ICCV
2021 (FER-2013, RAF-DB); FSA-Net's arrays (head pose). What a paper leaves open is an option of `tcae probe`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from tcae.manifests.errors import ConfigError
from tcae.manifests.labels import ANGLES, au_name

Task: TypeAlias = Literal["aus", "classes", "angles"]


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How one labelled set is scored."""

    name: str
    """Of the set and of its table of labels."""
    title: str
    """As it is written."""
    task: Task = "aus"
    tables: tuple[str, ...] = ()
    """Tables of labels that are taken together, where it is not the one of the set's name."""
    aus: tuple[str, ...] = ()
    """The AUs that are scored; none: all that the table has."""
    classes: str = "expression"
    """The column of the classes; frames without one are not part of the set."""
    present_above: float = 0.5
    """An AU is present where the annotator's number is greater."""
    folds: str | None = None
    """A published list of folds (``manifests/folds/``)."""
    variant_of: str | None = None
    """Whose table it reads."""
    split: Literal["folds", "official", "workspace"] = "official"
    """Who is tested: each fold in turn, whom the labels say, or val and test of `tcae-prep split`."""
    note: str = ""
    """What a reader of the scores must know."""

    @property
    def label_tables(self) -> tuple[str, ...]:
        """The tables of labels to read."""
        return self.tables or (self.variant_of or self.name,)


def _aus(*numbers: int) -> tuple[str, ...]:
    return tuple(au_name(number) for number in numbers)


_DISFA_12 = _aus(1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)

_ALL = (
    Protocol(
        name="synthetic",
        title="Rendered heads",
        present_above=0.3,
        split="workspace",
    ),
    Protocol(
        name="synthetic-mixtures",
        title="Rendered heads, six named mixtures",
        task="classes",
        variant_of="synthetic",
        classes="mixture",
        split="workspace",
        note="Only frames that a mixture drives, whatever its strength; mixtures share movements.",
    ),
    Protocol(
        name="bp4d",
        title="BP4D",
        aus=_aus(1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24),
        folds="bp4d",
        split="folds",
    ),
    Protocol(
        name="disfa",
        title="DISFA",
        aus=_aus(1, 2, 4, 6, 9, 12, 25, 26),
        present_above=1.0,
        folds="disfa",
        split="folds",
    ),
    Protocol(
        name="disfa-12",
        title="DISFA, 12 AUs",
        variant_of="disfa",
        aus=_DISFA_12,
        present_above=1.0,
        folds="disfa",
        split="folds",
        note="All 12 coded AUs; the mean is not comparable to that of the usual 8.",
    ),
    Protocol(
        name="disfa-fg2020",
        title="DISFA, 12 AUs, folds of FG 2020",
        variant_of="disfa",
        aus=_DISFA_12,
        present_above=1.0,
        folds="disfa-fg2020",
        split="folds",
        note="The folds of Fung and McDuff (FG 2020); they scored the right camera: tcae-prep labels --camera right.",
    ),
    Protocol(name="gft", title="GFT", note="The list of train and test identities is --split-file."),
    Protocol(
        name="emotionet",
        title="EmotioNet",
        note="No list of test pictures is published: --split-file says who is tested; each picture is an identity.",
    ),
    Protocol(
        name="openface",
        title="OpenFace 2 pseudo labels",
        split="workspace",
        note="Labels of a program, not of annotators: scores say how well it is imitated.",
    ),
    Protocol(
        name="openface-list",
        title="OpenFace 2 pseudo labels (list of FG 2020)",
        note="Labels of a program, not of annotators: scores say how well it is imitated.",
    ),
    Protocol(name="fer2013", title="FER-2013", task="classes"),
    Protocol(name="rafdb", title="RAF-DB", task="classes"),
    Protocol(
        name="aflw2000",
        title="Head pose: 300W-LP to AFLW2000",
        task="angles",
        tables=("300w-lp", "aflw2000"),
        note="Fitted on 300W-LP, scored on AFLW2000; faces turned by more than 99 degrees are left out.",
    ),
    Protocol(
        name="biwi",
        title="Head pose: 300W-LP to BIWI",
        task="angles",
        tables=("300w-lp", "biwi"),
        note="Fitted on 300W-LP, scored on BIWI.",
    ),
)

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({protocol.name: protocol for protocol in _ALL})
"""By name, as `tcae probe --dataset` takes it."""


def protocol_of(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"there is no protocol for {name!r}; there is {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def columns_of(protocol: Protocol, found: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that are scored, given the AUs that the labels have.

    Raises:
        ConfigError: an AU of the protocol is missing.
    """
    if protocol.task == "angles":
        return ANGLES
    missing = [au for au in protocol.aus if au not in found]
    if missing:
        raise ConfigError(
            f"the labels of {protocol.title} lack {', '.join(missing)}; they have {', '.join(found) or 'no AU'}"
        )
    return protocol.aus or found
