"""What a model card says of each method: whose idea it is, and how its encoder was learned."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Paper:
    """Where a method comes from."""

    encoder_of: str
    """Whose encoder it is, with the citation; ends the sentence "the encoder of ..."."""
    learned: str
    """From what; ends the sentence "learned ..."."""


PAPERS: Mapping[str, Paper] = MappingProxyType(
    {
        "tcae": Paper(
            "a Twin-Cycle Autoencoder (Li et al., CVPR 2019)",
            "without labels from pairs of faces of one person",
        ),
        "fabnet": Paper(
            "a FAb-Net (Wiles, Koepke and Zisserman, BMVC 2018)",
            "without labels from several faces of one person",
        ),
        "temporal": Paper(
            "a network that ranks faces by how far apart in time they are (Lu, Tavabi and Soleymani, BMVC 2020)",
            "without labels from the order of faces in a clip",
        ),
        "facecycle": Paper(
            "a FaceCycle (Chang et al., ICCV 2021)",
            "without labels by taking a face's expression away and giving it back",
        ),
        "noisy": Paper(
            "a network that is pre-trained on noisy labels of AUs (Fung and McDuff, FG 2020)",
            "from labels that another program gave, or that were made wrong on purpose",
        ),
        "splitbrain": Paper(
            "a Split-Brain Autoencoder (Zhang, Isola and Efros, CVPR 2017)",
            "without labels by foretelling a face's colour from its lightness, and the reverse",
        ),
        "deformae": Paper(
            "a Deforming Autoencoder (Shu et al., ECCV 2018)",
            "without labels by drawing a face as an aligned one that is deformed",
        ),
    }
)
"""By the method's name."""

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "au": "its facial actions",
        "pose": "the pose of the head",
        "face": "all that the method keeps of it",
        "identity": "whose face it is",
        "features": "the features that the others are made from",
    }
)
"""What an embedding of that name holds of a face, as far as the method succeeds."""
