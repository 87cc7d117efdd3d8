"""The clips of a demo: their names, and from their own seeds everything that they show."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import ClipKey
from tcae.pipeline.pictures import Image
from tcae.pipeline.synthetic.appearance import paint
from tcae.pipeline.synthetic.identity import draw_person
from tcae.pipeline.synthetic.motion import FPS, Motion, draw_motion
from tcae.pipeline.synthetic.pack import HeadPack
from tcae.pipeline.synthetic.render import Renderer, move
from tcae.pipeline.synthetic.scene import draw_colour, draw_scene

VERSION = 1
"""Raised by hand when the same settings give other clips or labels."""

CLIPS_OF_VIDEO = 2
"""Clips of an identity that share a video, and so clothes."""

_PERSON, _CLOTHES, _MOTION, _SCENE, _NOISE = range(5)


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """What to render."""

    identities: int = 24
    """People."""
    clips: int = 2
    """Clips of each."""
    seconds: float = 8.0
    """Length of a clip."""
    seed: int = 0
    """Other seeds give other people."""

    def __post_init__(self) -> None:
        """Refuse counts that give no frame and names that would not fit.

        Raises:
            ConfigError: a setting is out of range.
        """
        for name, value in (("identities", self.identities), ("clips", self.clips)):
            if not 1 <= value <= 9999:
                raise ConfigError(f"{name} is {value}; it must be from 1 to 9999")
        if not 1 / FPS <= self.seconds <= 600:
            raise ConfigError(f"seconds is {self.seconds}; it must be from {1 / FPS} (one frame) to 600")
        if not 0 <= self.seed <= 999:
            raise ConfigError(f"seed is {self.seed}; it must be from 0 to 999")

    @property
    def num_frames(self) -> int:
        """Frames of a clip."""
        return round(self.seconds * FPS)


@dataclass(frozen=True, kw_only=True)
class DemoClip:
    """One clip to render: which person, and which of that person's clips, both from 0."""

    person: int
    number: int
    config: DemoConfig

    @property
    def key(self) -> ClipKey:
        """The clip's name; its N is its place in the sorted listing of its video."""
        video = self.person * -(-self.config.clips // CLIPS_OF_VIDEO) + self.number // CLIPS_OF_VIDEO
        name = f"demo{self.config.seed:03d}{video:04d}"
        return ClipKey(f"id{90000 + self.person:05d}", name, self.number % CLIPS_OF_VIDEO)

    @property
    def file(self) -> str:
        """The mp4, relative to the workspace."""
        return f"videos/mp4/{self.key.identity}/{self.key.video}/{self.key.clip + 1:05d}.mp4"

    def generator(self, purpose: int) -> np.random.Generator:
        """A generator of its own for each purpose; the person's and the clothes' are shared by clips."""
        place = {_PERSON: 0, _CLOTHES: self.number // CLIPS_OF_VIDEO}.get(purpose, self.number)
        return np.random.default_rng([self.config.seed, self.person, place, purpose])


def list_clips(config: DemoConfig) -> list[DemoClip]:
    """Every clip, sorted by key."""
    people, numbers = range(config.identities), range(config.clips)
    return [DemoClip(person=person, number=number, config=config) for person in people for number in numbers]


def clip_motion(clip: DemoClip, pack: HeadPack) -> Motion:
    """What the clip does; the labels are read off this."""
    return draw_motion(clip.generator(_MOTION), clip.config.num_frames, pack.action_names)


def render_clip(clip: DemoClip, pack: HeadPack) -> Iterator[Image]:
    """The clip's frames, (224, 224, 3) uint8 RGB each."""
    renderer = Renderer(pack)
    person = draw_person(clip.generator(_PERSON), pack)
    atlas = paint(pack, person, draw_colour(clip.generator(_CLOTHES)))
    scene = draw_scene(clip.generator(_SCENE), atlas, person)
    shape = renderer.with_hair(person.shape, person.hairline, person.hair_volume)
    motion, noise = clip_motion(clip, pack), clip.generator(_NOISE)
    for weights, angles, shift in zip(motion.weights, motion.angles, motion.shift, strict=True):
        yield renderer.draw(move(pack, shape, weights, angles), scene, shift, noise)
