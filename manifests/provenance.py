"""What a row and a table were made from."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any


def fingerprint(stage: str, stage_version: int, config: Mapping[str, Any], inputs: str) -> str:
    """Name what one clip's rows were made from; equal names mean equal rows.

    Args:
        stage: The stage's name.
        stage_version: Raised by hand when the stage's output changes.
        config: Every setting that the output depends on; JSON values.
        inputs: The clip's size and time, or the fingerprint of the rows that it was made from.

    Returns:
        16 hexadecimal digits.
    """
    text = json.dumps([stage, stage_version, dict(config), inputs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def describe(stage: str, config: Mapping[str, Any]) -> dict[str, str]:
    """The provenance that a table carries in its metadata: stage, settings and versions."""
    return {"stage": stage, "config": json.dumps(dict(config), sort_keys=True), "versions": _versions()}


@cache
def _versions() -> str:
    return json.dumps({name: version(name) for name in ("tcae", "numpy", "pyarrow")})
