"""The rules of the house that no linter knows."""

import ast
import importlib
import pickle
import pkgutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import tcae
from tcae.manifests.errors import ItemError, TcaeError

LONGEST_MODULE = 300
LONGEST_FUNCTION = 40
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}


def module_names() -> list[str]:
    """Every module of the package, without importing more than its packages."""
    return sorted(module.name for module in pkgutil.walk_packages(tcae.__path__, "tcae."))


def path_of(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def subclasses(parent: type[TcaeError]) -> Iterator[type[TcaeError]]:
    for child in parent.__subclasses__():
        yield child
        yield from subclasses(child)


def error_classes() -> list[type[TcaeError]]:
    """Every error of the package; those of the tests, which subclass them too, are not ours."""
    for module in module_names():
        if module.startswith(("tcae.manifests.", "tcae.pipeline.", "tcae.model.")):
            importlib.import_module(module)
    found: list[type[TcaeError]] = [TcaeError, *subclasses(TcaeError)]
    return [error for error in found if error.__module__.startswith("tcae.")]


def shared_reasons(rejections: list[type[ItemError]]) -> list[str]:
    """The reasons that more than one class would write."""
    reasons = [rejection.reason for rejection in rejections]
    return sorted({reason for reason in reasons if reasons.count(reason) > 1})


def lengths_of_functions(source: str) -> dict[str, int]:
    """Lines of each function's body as written, its docstring left out."""
    lengths = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            start = body[0].lineno if body else node.lineno
            lengths[node.name] = (node.end_lineno or start) - start + 1 if body else 0
    return lengths


def rejections() -> list[type[ItemError]]:
    return [error for error in error_classes() if issubclass(error, ItemError) and error is not ItemError]


def test_every_rejection_has_its_own_reason() -> None:
    without = [error.__name__ for error in rejections() if "reason" not in vars(error)]
    assert without == []
    assert shared_reasons(rejections()) == []


def test_reasons_are_values_for_a_column() -> None:
    wrong = [error.reason for error in rejections() if not error.reason.isidentifier() or not error.reason.islower()]
    assert wrong == []


def test_a_reason_given_twice_would_be_seen() -> None:
    class SmallError(ItemError):
        reason = "small"

    class NarrowError(ItemError):
        reason = "small"

    assert shared_reasons([SmallError, NarrowError]) == ["small"]


def survives_a_worker_pool(error: type[TcaeError]) -> bool:
    """Whether one message is all that it takes, before and after pickling."""
    message = "what was wrong, the value, what would be right"
    try:
        copy = pickle.loads(pickle.dumps(error(message)))
    except TypeError:
        return False
    return type(copy) is error and copy.args == (message,) and str(copy) == message


class GreedyError(TcaeError):
    """Wants two messages, as ours must not."""

    def __init__(self, path: str, line: int) -> None:
        super().__init__(f"{path}:{line}")


def test_every_error_survives_a_worker_pool() -> None:
    assert [error.__name__ for error in error_classes() if not survives_a_worker_pool(error)] == []


def test_an_error_that_wants_two_messages_would_be_seen() -> None:
    assert not survives_a_worker_pool(GreedyError)


def test_no_module_is_named_for_what_is_left_over() -> None:
    assert [name for name in module_names() if VAGUE & set(name.split("."))] == []


@pytest.mark.parametrize("module", module_names())
def test_a_module_fits_the_head(module: str) -> None:
    source = path_of(module).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LONGEST_MODULE
    long = {name: lines for name, lines in lengths_of_functions(source).items() if lines > LONGEST_FUNCTION}
    assert long == {}


def test_a_long_function_would_be_seen() -> None:
    body = "\n".join(f"    x = {line}" for line in range(41))
    assert lengths_of_functions(f'def grow() -> None:\n    """Grow."""\n{body}\n') == {"grow": 41}


def test_an_init_file_holds_no_code() -> None:
    """A docstring and the guard; the package's own holds its version."""
    wordy = {}
    for module in pkgutil.walk_packages(tcae.__path__, "tcae."):
        if module.ispkg:
            statements = ast.parse(path_of(module.name).read_text(encoding="utf-8")).body
            code = [node for node in statements if not isinstance(node, ast.Expr | ast.If)]
            if code:
                wordy[module.name] = [ast.unparse(node) for node in code]
    assert wordy == {}
