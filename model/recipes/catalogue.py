"""Every recipe of every method, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tcae.manifests.errors import ConfigError
from tcae.model.recipe import Recipe
from tcae.model.recipes import deformae, fabnet, facecycle, noisy, splitbrain, tcae, temporal

RECIPES: Mapping[str, Mapping[str, Recipe]] = MappingProxyType(
    {
        "tcae": tcae.RECIPES,
        "fabnet": fabnet.RECIPES,
        "deformae": deformae.RECIPES,
        "facecycle": facecycle.RECIPES,
        "noisy": noisy.RECIPES,
        "splitbrain": splitbrain.RECIPES,
        "temporal": temporal.RECIPES,
    }
)
"""By method; the first of each is what `tcae train` uses."""


def recipe_class(method: str) -> type[Recipe]:
    """The class of a method's recipes.

    Raises:
        ConfigError: there is no such method.
    """
    if method not in RECIPES:
        raise ConfigError(f"there is no method {method!r}; there is {', '.join(RECIPES)}")
    return type(next(iter(RECIPES[method].values())))


def recipe_named(method: str, name: str | None = None) -> Recipe:
    """A recipe of a method, by default its first.

    Raises:
        ConfigError: there is no such method, or it has no such recipe.
    """
    recipe_class(method)
    known = RECIPES[method]
    if name is not None and name not in known:
        raise ConfigError(f"{method} has no recipe {name!r}; it has {', '.join(known)}")
    return known[name] if name else next(iter(known.values()))
