"""What only TCAE has: a network that moves a face by two displacements."""

from typing import TYPE_CHECKING

from tcae.manifests.errors import ConfigError
from tcae.model.methods.tcae import TCAE

if TYPE_CHECKING:
    from tcae.model.training.runs import Trained


def tcae_of(trained: "Trained") -> TCAE:
    """The network of a run that TCAE trained.

    Raises:
        ConfigError: another method did.
    """
    if not isinstance(trained.model, TCAE):
        raise ConfigError(
            f"run {trained.run} was trained by {trained.recipe.method}, which has no AU and pose displacements; "
            "tcae swap and tcae analyse need a run of tcae"
        )
    return trained.model
