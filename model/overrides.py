"""Settings from files and from the command line, laid over a recipe; and how two of them differ.

A setting has the dotted name that its field has in ``Recipe``: ``batch_size``, ``optimiser.lr``. Values are what TOML
and JSON know; lists become tuples, whole numbers are taken where a float is wanted, and nothing else is converted.
"""

import difflib
import json
import math
import re
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from tcae.manifests.errors import ConfigError
from tcae.model.recipe import Recipe
from tcae.model.recipes.catalogue import recipe_class

Config = TypeVar("Config")
OwnRecipe = TypeVar("OwnRecipe", bound=Recipe)

_LENGTHS = ("steps", "epochs")
"""A recipe has one of them."""

_WORD = re.compile(r"(?:[A-Za-z_/]|\.\.?/)[\w.+/-]*")
_LINE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_MISSING = "missing"
_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def recipe_of(values: Mapping[str, Any]) -> Recipe:
    """The recipe whose ``asdict`` was written as JSON; what is left out has its default, ``method`` that of TCAE.

    Raises:
        ConfigError: a name is unknown, a value has another type or is out of its range, or ``name`` is missing.
    """
    kind = recipe_class(values.get("method", "tcae"))
    return _built(kind, _typed(kind, values, "", kind), "")


def overridden(recipe: OwnRecipe, *values: Mapping[str, Any]) -> OwnRecipe:
    """A recipe of the same method with other settings.

    Args:
        recipe: Where all that is not named comes from.
        values: Nested settings as ``read_config`` and ``parse_setting`` give them; later ones win. They are taken
            together, so that settings that only fit each other may come from different places. Naming ``steps``
            forgets ``epochs``, and the other way round.

    Raises:
        ConfigError: a name is unknown (the message names the nearest known ones), or a value has another type or is
            out of its range.
    """
    merged = asdict(recipe)
    for settings in values:
        for length, other in (_LENGTHS, _LENGTHS[::-1]):
            if settings.get(length) is not None and other not in settings:
                merged[other] = None
        merged = _merged(merged, _typed(type(recipe), settings, "", type(recipe)))
    return cast(OwnRecipe, recipe_of(merged))


def parse_setting(text: str) -> dict[str, Any]:
    """One setting as typed, ``optimiser.lr=1e-4``: a nested mapping; the value is TOML, a bare word or a path.

    >>> parse_setting("optimiser.name=adamw")
    {'optimiser': {'name': 'adamw'}}

    Raises:
        ConfigError: there is no name, no ``=``, or the value is neither.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    parts = name.split(".")
    if not equals or not all(parts):
        raise ConfigError(f"{text!r} is no setting; write name=value, as in optimiser.lr=1e-4")
    setting: Any = _parse_value(text, value)
    for part in reversed(parts):
        setting = {part: setting}
    nested: dict[str, Any] = setting
    return nested


def _parse_value(text: str, value: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError as error:
        if _WORD.fullmatch(value):
            return value
        raise ConfigError(
            f"{text!r}: {value!r} is no TOML value; write 3, 0.5, 1e-4, true, a word or [[0, 0.5], [0.1, 0.6]]"
        ) from error
    if list(parsed) != ["value"]:
        raise ConfigError(f"{text!r} holds more than one setting; write each by itself")
    return parsed["value"]


def read_config(path: Path, kind: type[Recipe]) -> dict[str, Any]:
    """The settings in a TOML file, nested; their names and types have been looked at, their ranges not yet.

    Raises:
        ConfigError: the file cannot be read, is not TOML (the message names the line), or a setting is not a recipe's.
    """
    try:
        text = path.read_bytes().decode()
        values = tomllib.loads(text)
        _typed(kind, values, "", kind)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        broken = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {broken}: not UTF-8, as TOML must be") from error
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = (found and found["line"]) or len(text.splitlines())
        raise ConfigError(f"{path}, line {line}: {_LINE.sub('', str(error))}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return values


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Every setting that differs, by its dotted name and sorted; lists and tuples are the same thing.

    >>> differences({"lr": 0.1, "steps": 3}, {"lr": 0.2, "steps": 3, "seed": 1})
    ['lr: 0.1 -> 0.2', 'seed: missing -> 1']
    """
    before, after = dict(_flat(old, "")), dict(_flat(new, ""))
    return [
        f"{name}: {_shown(before, name)} -> {_shown(after, name)}"
        for name in sorted(before.keys() | after.keys())
        if name not in before or name not in after or before[name] != after[name]
    ]


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, _tuples(value)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def _shown(values: Mapping[str, Any], name: str) -> str:
    return json.dumps(values[name], default=str) if name in values else _MISSING


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = {name: _merged(old[name], new[name]) for name in old.keys() & new.keys() if isinstance(new[name], Mapping)}
    return {**old, **new, **both}


def _typed(config: type, values: Mapping[str, Any], prefix: str, root: type[Recipe]) -> dict[str, Any]:
    """The same settings, each of its field's type; nested where the field is a config of its own."""
    hints = get_type_hints(config)
    typed = {}
    for name, value in values.items():
        if name not in hints:
            raise ConfigError(_unknown(prefix + name, root))
        typed[name] = _as(hints[name], value, prefix + name, root)
    return typed


def _as(hint: Any, value: Any, name: str, root: type[Recipe]) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            known = ", ".join(field.name for field in fields(hint))
            raise ConfigError(f"{name} holds settings ({known}), and is none itself: {value!r}")
        return _typed(hint, value, f"{name}.", root)
    if get_origin(hint) in (Union, types.UnionType):
        return None if value is None else _as(get_args(hint)[0], value, name, root)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ConfigError(f"{name} must be {' or '.join(get_args(hint))}, not {value!r}")
        return value
    if get_origin(hint) is tuple:
        return _as_tuple(get_args(hint), value, name, root)
    return _as_plain(hint, value, name)


def _as_tuple(items: tuple[Any, ...], value: Any, name: str, root: type[Recipe]) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ConfigError(f"{name} must be a list, not {value!r}")
    if items[-1] is Ellipsis:
        items = items[:1] * len(value)
    if len(value) != len(items):
        raise ConfigError(f"{name} must have {len(items)} values, not {list(value)}")
    return tuple(_as(item, part, f"{name}[{i}]", root) for i, (item, part) in enumerate(zip(items, value, strict=True)))


def _as_plain(hint: type, value: Any, name: str) -> Any:
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ConfigError(f"{name} must be {_KINDS[hint]}, not {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name} must be finite, not {value}")
    return value


def _built(config: type[Config], values: Mapping[str, Any], prefix: str) -> Config:
    """An instance from typed settings."""
    hints = get_type_hints(config)
    arguments = dict(values)
    for field in fields(config):  # type: ignore[arg-type]
        if field.name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{prefix}{field.name} is missing")
        if is_dataclass(hints[field.name]) and field.name in values:
            arguments[field.name] = _built(hints[field.name], values[field.name], f"{prefix}{field.name}.")
    return config(**arguments)


@cache
def setting_names(config: type, prefix: str = "") -> tuple[str, ...]:
    """Every dotted name of a config's fields, in their order."""
    names: list[str] = []
    for name, hint in get_type_hints(config).items():
        names += setting_names(hint, f"{prefix}{name}.") if is_dataclass(hint) else [prefix + name]  # type: ignore[arg-type]
    return tuple(names)


def _unknown(name: str, root: type[Recipe]) -> str:
    """Says so, and names those that end like it or are spelled nearly so."""
    known = setting_names(root)  # type: ignore[arg-type]  # a class can be hashed; its instances cannot
    last = name.rpartition(".")[2]
    near = [other for other in known if other.rpartition(".")[2] == last]
    near = near or difflib.get_close_matches(name, known, 3)
    near = near or [other for other in known if difflib.get_close_matches(last, [other.rpartition(".")[2]], 1, 0.7)]
    return f"{name} is no setting; " + (
        f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(known)}"
    )
