"""What an exported encoder says of itself, in ``encoder.json``."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from tcae.manifests.errors import CheckpointError, ConfigError
from tcae.model.overrides import recipe_of
from tcae.model.recipe import NetworkConfig, ViewConfig

FORMAT = 1
"""Raised by hand when a field changes its meaning."""

UNKNOWN = "unknown"
"""The template of an encoder whose faces were aligned by somebody else."""

TCAE = "tcae"
"""The method of every export that names none: they are older than the others."""

RATIO = "displacement_ratio"
"""TCAE's metric: mean length of the pose displacement by that of the AU displacement, on val pairs."""


@dataclass(frozen=True, kw_only=True)
class EncoderFacts:
    """Everything that a user of an exported encoder needs to know and cannot see in its tensors."""

    format: int = FORMAT
    tcae: str
    """The release that wrote it."""
    run: str
    checkpoint: str
    """``best``, ``last`` or a step, as it was asked for."""
    step: int
    """Steps that the weights were trained for."""
    recipe: str
    method: str = TCAE
    """A name of `tcae train --method`."""
    template: str
    """What the faces must be aligned to: a name of ``tcae-prep align --template``, or ``unknown``."""
    network: NetworkConfig
    view: ViewConfig
    data: Mapping[str, str | int] = field(default_factory=dict)
    """What is known of the training faces: counts, and what they were drawn from."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Of the checkpoint's validation; NaN where undefined."""
    num_parameters: int
    """Of the encoder."""
    sha256: str
    """Of the file of tensors; 64 hexadecimal digits."""

    def to_json(self) -> str:
        """Indented JSON; a metric that is not finite is null."""
        metrics = {name: value if math.isfinite(value) else None for name, value in self.metrics.items()}
        return json.dumps(asdict(self) | {"metrics": metrics}, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, path: Path) -> "EncoderFacts":
        """Read what ``to_json`` wrote.

        Args:
            text: The file's content.
            path: The file, for messages.

        Raises:
            CheckpointError: it is not such a file, of another format, or lacks a field.
        """
        try:
            values: dict[str, Any] = {"method": TCAE} | dict(json.loads(text))
            if values["format"] != FORMAT:
                raise CheckpointError(f"{path} has format {values['format']}; this release reads format {FORMAT}")
            known = {name: values[name] for name in get_type_hints(cls)}
            shapes = recipe_of(
                {
                    "name": known["recipe"],
                    "method": known["method"],
                    "steps": 1,
                    "network": known["network"],
                    "view": known["view"],
                }
            )
            metrics = {name: math.nan if value is None else float(value) for name, value in known["metrics"].items()}
            facts = cls(**known | {"network": shapes.network, "view": shapes.view, "metrics": metrics})
        except KeyError as error:
            raise CheckpointError(f"{path} lacks {error}; it is not what tcae export writes") from error
        except (AttributeError, ConfigError, RecursionError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path} is not what tcae export writes: {error}") from error
        wrong = [
            name for name, hint in get_type_hints(cls).items() if not isinstance(getattr(facts, name), _plain(hint))
        ]
        if wrong:
            raise CheckpointError(f"{path} is not what tcae export writes: {wrong[0]} is {getattr(facts, wrong[0])!r}")
        return facts


def _plain(hint: Any) -> type:
    """What ``isinstance`` knows of a hint."""
    plain: type = get_origin(hint) or hint
    return plain
