"""FaceCycle (Chang et al., ICCV 2021): two faces of a person share the face that is left when motion is taken out.

    stage one    a face ──encoder──▶ motion code ──▶ displacement ─▶ neutral face
                 the other face's neutral face ── inverse displacement ─▶ the face again
    stage two    neutral face ── its identity taken off ─▶ mean face ── its identity put on ─▶ neutral face again

All faces of a batch go through the network side by side: the first of each sample, then the second. Pictures in between
are normalised. What stage one has learned is frozen in stage two.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple, Self

import torch
from torch import Tensor

from tcae.manifests.errors import ConfigError
from tcae.model.display.columns import picture_sheet
from tcae.model.display.pictures import RGB
from tcae.model.losses import l1
from tcae.model.method import Method, Views
from tcae.model.networks.codes import FaceCycleEncoder, MotionDecoder, inverse_of, moved
from tcae.model.networks.generator import Generator, Normaliser
from tcae.model.networks.imagenet import displayed, normalised
from tcae.model.networks.ssim import ssim
from tcae.model.networks.vgg import Seen, Vgg, is_vgg, style_distance
from tcae.model.networks.warp import lengths
from tcae.model.networks.weights import check_shapes, shapes_of
from tcae.model.recipes.facecycle import FOREIGN, FaceCycleNetwork, FaceCycleRecipe

SUBSTITUTE = "VGG-19's weights were not given: pictures are compared by, and drawn from, frozen random convolutions."
_STAGE_TWO = ("encoder.identity.", "normaliser.")
"""The names of what only stage two has begin so."""


class Cycle(NamedTuple):
    """What a pass makes of M = 2 N faces; pictures are (M, 3, H, W)."""

    faces: Tensor
    seen: Seen
    """What VGG sees of them."""
    displacement: Tensor
    """(M, 2, 16, 16), half-image units: from the face to its neutral face."""
    neutral: Tensor
    """Without motion; in stage two, with its identity taken off and put on again."""
    again: dict[str, Tensor]
    """The faces again. reexpressed: drawn of a neutral face (stage one: the other's) with the face's motion. direct:
    the same by moving pixels only. plain: drawn without moving anything. moved: the drawn neutral face's pixels."""
    textures: tuple[Seen, ...]
    """What VGG sees of pictures whose textures should be those of the faces."""
    straight: Tensor | None = None
    """Stage one: the face's pixels, moved to neutral."""
    before: Tensor | None = None
    """Stage two: stage one's neutral face."""
    mean: Tensor | None = None
    """Stage two: (1, 3, H, W), the mean of all neutral faces without their identities."""


class FaceCycle(Method[Cycle]):
    """Encoder, displacement decoder, frozen VGG, generator; in stage two normaliser and the identity's encoder."""

    recipe: FaceCycleRecipe
    encoder: FaceCycleEncoder
    normaliser: Normaliser

    def __init__(self, recipe: FaceCycleRecipe) -> None:
        super().__init__(recipe)
        network = recipe.network
        _check(recipe)
        self.decoder, self.vgg, self.generator = MotionDecoder(network), Vgg(network.vgg), Generator(network)
        if network.identity:
            self.normaliser = Normaliser(network)
        self.frozen = [self.encoder.motion, self.decoder, self.generator] if network.identity else []
        for part in self.frozen:
            part.requires_grad_(False)

    @staticmethod
    def encoder_of(network: FaceCycleNetwork) -> FaceCycleEncoder:
        """Encode motion, and in stage two identity."""
        return FaceCycleEncoder(network)

    def forward(self, views: Views) -> Cycle:
        """Run the cycle of the recipe's stage."""
        faces = normalised(torch.cat(views.faces))
        return self.identity_cycle(faces) if self.recipe.network.identity else self.motion_cycle(faces)

    def motion_cycle(self, faces: Tensor) -> Cycle:
        """Stage one: each face again from the neutral face of the other face of its sample."""
        seen, displacement = self.vgg(faces), self.displacement_of(faces)
        back = inverse_of(displacement)
        neutral, straight = self.generator(seen, displacement), moved(faces, displacement)
        of_neutral = self.vgg(neutral)
        again = {
            "reexpressed": self.generator(Seen(*map(swapped, of_neutral)), back),
            "direct": moved(swapped(straight), back),
            "plain": self.generator(seen),
            "moved": moved(swapped(neutral), back),
        }
        textures = (of_neutral, *(self.vgg(again[name]) for name in ("moved", "direct", "reexpressed")))
        return Cycle(faces, seen, displacement, neutral, again, textures, straight=straight)

    def identity_cycle(self, faces: Tensor) -> Cycle:
        """Stage two: each neutral face again from the mean face, and the face from it."""
        seen, displacement = self.vgg(faces), self.displacement_of(faces)
        before, back = self.generator(seen, displacement), inverse_of(displacement)
        codes = self.encoder.identity(faces).code
        mean = self.normaliser(self.vgg(before), codes, on=False).mean(0, keepdim=True)
        neutral = self.identified(mean, codes)
        again = {"reexpressed": self.generator(self.vgg(neutral), back), "direct": moved(neutral, back)}
        textures = tuple(self.vgg(picture) for picture in again.values())
        return Cycle(faces, seen, displacement, neutral, again, textures, before=before, mean=mean)

    def displacement_of(self, faces: Tensor) -> Tensor:
        """Where faces move to become neutral: (M, 2, 16, 16), half-image units."""
        made: Tensor = self.decoder(self.encoder.motion(faces).code)
        return made

    def identified(self, mean: Tensor, codes: Tensor) -> Tensor:
        """Put identities (M, code) on the mean face (1, 3, H, W)."""
        face: Tensor = self.normaliser(
            Seen(*(maps.expand(len(codes), -1, -1, -1) for maps in self.vgg(mean))), codes, on=True
        )
        return face

    def terms(self, made: Cycle, views: Views) -> dict[str, Tensor]:
        """The terms that weigh something, means over both faces of a sample.

        Pixels are compared normalised, by SSIM too; the batch's mean face makes ``margin`` depend on the others.
        """
        wanted = {name for name, weight in asdict(self.recipe.weights).items() if weight > 0}
        with torch.autocast(made.faces.device.type, enabled=False):  # variances in SSIM need all their bits
            terms = self._compared(made, wanted)
        if made.before is not None and made.mean is not None:
            terms["pixel_neutral"] = l1(made.neutral, made.before)
            terms["margin"] = beyond(made.mean, made.before, self.recipe.margin, self.recipe.margin_hinged)
        return {name: paired(term) for name, term in terms.items() if name in wanted}

    def _compared(self, made: Cycle, wanted: set[str]) -> dict[str, Tensor]:
        """The terms of each face, (M,), that both stages have, and the symmetry of stage one."""
        faces = made.faces
        terms = {f"pixel_{name}": l1(picture, faces) for name, picture in made.again.items()}
        for name, picture in made.again.items():
            if f"ssim_{name}" in wanted:
                terms[f"ssim_{name}"] = 1 - ssim(picture, faces)
        terms["perceptual"] = torch.stack([style_distance(texture, made.seen) for texture in made.textures]).mean(0)
        terms["symmetry_neutral"] = asymmetry(made.neutral)
        if made.straight is not None:
            terms["symmetry_straight"] = asymmetry(made.straight)
        return terms

    def measures(self, made: Cycle, views: Views) -> dict[str, Tensor]:
        """Mean displacement lengths; ``vgg_substitute``, 1 where VGG's weights are random, 0 where they are its own."""
        displacement = lengths(made.displacement).flatten(1).mean(1)
        substitute = (1 - self.vgg.known).expand(len(made.faces))
        return {"displacement_length": paired(displacement), "vgg_substitute": paired(substitute)}

    def words(self, metrics: Mapping[str, float]) -> str:
        """The terms, and whether VGG is VGG."""
        return super().words(metrics) + (
            ", VGG-19 replaced by random convolutions" if metrics["vgg_substitute"] else ""
        )

    def sheet(self, views: Views, title: str) -> RGB:
        """Neutral faces and translation (stage one); frontal faces and exchanged identities (stage two)."""
        made, num = self(views), len(views.labels)
        columns = dict(zip(("source", "target"), made.faces.chunk(2), strict=True))
        if made.before is not None and made.mean is not None:
            codes = self.encoder.identity(swapped(made.faces)).code
            columns |= {"neutral": made.before[:num], "mean face": made.mean.expand(num, -1, -1, -1)}
            columns |= {"frontalised": made.neutral[:num], "re-expressed": made.again["reexpressed"][:num]}
            columns |= {"target's identity": self.identified(made.mean, codes[:num])}
        else:
            own, others = inverse_of(made.displacement).chunk(2)
            neutral = Seen(*(maps[:num] for maps in self.vgg(made.neutral)))
            columns |= {"neutral": made.neutral[:num], "target's neutral": made.neutral[num:]}
            columns |= {
                "re-expressed": self.generator(neutral, own),
                "target's motion": self.generator(neutral, others),
            }
        pictures = {name: displayed(faces) for name, faces in columns.items()}
        return picture_sheet(pictures, title, notes=() if self.vgg.known else (SUBSTITUTE,))

    def begin(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Take torchvision's VGG-19, or for stage two a checkpoint of stage one, or one of the same stage."""
        if is_vgg(tensors):
            self.vgg.take(tensors, path)
        elif self.frozen and not any(name.startswith(_STAGE_TWO) for name in tensors):
            own = {name: shape for name, shape in shapes_of(self).items() if not name.startswith(_STAGE_TWO)}
            check_shapes(path, own, tensors)
            self.load_state_dict(dict(tensors), strict=False)
        else:
            super().begin(tensors, path)

    def train(self, mode: bool = True) -> Self:
        """Switch the generator's noise on or off; frozen, it has none."""
        super().train(mode)
        for part in self.frozen:
            part.eval()
        return self


def _check(recipe: FaceCycleRecipe) -> None:
    """Refuse stage two without stage one, and terms of the other stage."""
    identity = recipe.network.identity
    if identity and not recipe.start_from:
        raise ConfigError("stage two begins with stage one's network: --set start_from=runs/RUN/checkpoints/best.pt")
    wrong = [name for name in FOREIGN[identity] if getattr(recipe.weights, name) > 0]
    if wrong:
        raise ConfigError(f"weights: stage {'two' if identity else 'one'} has no term {wrong[0]}; its weight must be 0")


def swapped(faces: Tensor) -> Tensor:
    """Each sample's faces exchanged: of M rows, the second half first."""
    return faces.roll(len(faces) // 2, 0)


def paired(values: Tensor) -> Tensor:
    """Means over both faces of each sample: (M,) to (M / 2,)."""
    return values.view(2, -1).mean(0)


def asymmetry(faces: Tensor) -> Tensor:
    """Mean absolute difference of the left half and the right half in a mirror; (M,)."""
    half = faces.shape[-1] // 2
    return l1(faces[..., :half], faces.flip(-1)[..., :half])


def beyond(mean: Tensor, faces: Tensor, margin: float, hinged: bool) -> Tensor:
    """How far the mean face is from each face beyond the margin; (M,), negative within it unless hinged."""
    away = (mean - faces).abs() - margin
    return (away.relu() if hinged else away).flatten(1).mean(1)
