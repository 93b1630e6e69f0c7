"""Clips with their sound and the exact truth: what moves where, what sounds when, and which sound is whose.

Two things sound at the moments of their motion, each kind in its own family of sounds; others move silently, and often
they bounce or stop together with one that sounds. A photograph lies behind, a recording beneath.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from operator import attrgetter
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.modality.joint import JointItem
from gestalt.modalities.audio import Recording
from gestalt.modalities.video import Clip

from ...audio_events.synthetic.levels import amplitude, level
from ...audio_events.synthetic.mixing import Mix, audible_part, loop
from ...composed import ComposedItems
from ...scene_sources import class_names
from ...video_objects.synthetic.scenes import Layout as Frames
from ...video_objects.synthetic.scenes import ground, sampled
from .motion import Moving, Path, moments, path
from .sources import SAMPLE_RATE, Sources

CORNERS = ((-16, -16), (-16, 16), (16, -16), (16, 16))
"""The middles of the four places for things, in pixels (of 64) from the middle of the picture."""
CLEAR = 0.2
"""Seconds between any two sounds, at least."""
TRIES = 10_000
"""Of moments that lie apart from those of other things."""


@final
@dataclass(frozen=True)
class Layout:
    """How scenes are composed."""

    seconds: float = 2.0
    """Length of a scene."""
    size: int = 64
    """Height and width in pixels."""
    rate: float = 10.0
    """Frames per second."""
    sounding: int = 2
    """Things that sound, of different kinds."""
    silent: tuple[int, int] = (1, 2)
    """Least and greatest number of things that do not."""
    together: float = 0.3
    """Chance that a moment of a silent thing is that of a sound."""
    sizes: tuple[float, float] = (0.9, 1.15)
    """Range of the size of a thing; 1 is 28 pixels of 64."""
    pan: float = 0.2
    """Greatest speed of the camera in pixels (of 64) per frame."""
    light: tuple[float, float] = (0.25, 0.55)
    """Range of the light on the photograph; 1 is as it was taken."""
    snr: tuple[float, float] = (-5.0, 7.0)
    """Range of the level of a sound above the background, dB."""
    level: tuple[float, float] = (-36.0, -26.0)
    """Range of the level of the background, dB of full scale."""
    moving: Moving = field(default_factory=Moving)
    """How things move."""

    def __post_init__(self) -> None:
        if self.seconds < self.moving.least() - 1e-9:
            raise ValueError(
                f"the moments of a thing do not fit into a scene of {self.seconds:g} s: make it "
                f"{self.moving.least():g} s long at least"
            )


@final
@dataclass(frozen=True)
class Thing:
    """A thing of a scene: its class of clothing, its family of sounds (None: silent), and the moments of its motion."""

    kind: str
    family: str | None
    moments: tuple[float, ...]


@final
@dataclass(frozen=True)
class Sounded:
    """A sound: from the moment of motion until it is heard no longer, in seconds; whose it is; and which."""

    onset: float
    offset: float
    thing: int
    sound: str


@final
@dataclass(frozen=True)
class Scene:
    """A joint item with its truth: the thing of every pixel (−1: the ground), all things, and all sounds by onset."""

    item: JointItem
    numbers: Int[Tensor, "time height width"]
    things: tuple[Thing, ...]
    sounds: tuple[Sounded, ...]

    @property
    def clip(self) -> Clip:
        """The picture."""
        found: Clip = self.item.parts["video"]
        return found

    @property
    def recording(self) -> Recording:
        """The sound."""
        found: Recording = self.item.parts["audio"]
        return found


def scenes(count: int, seed: int, sources: Sources, layout: Layout) -> ComposedItems[JointItem, Scene]:
    """Scenes of a seed, composed when they are read."""
    return ComposedItems(count, seed, partial(compose, sources, layout), attrgetter("item"))


def compose(sources: Sources, layout: Layout, rng: np.random.Generator) -> Scene:
    """One scene; everything in it follows from `rng`."""
    chosen = _chosen(sources, layout, rng)
    things = _timed(sources, layout, chosen, rng)
    clip, numbers = _seen(sources, layout, chosen, things, rng)
    recording, sounds = _heard(sources, layout, things, rng)
    return Scene(JointItem({"audio": recording, "video": clip}), numbers, things, sounds)


def _chosen(sources: Sources, layout: Layout, rng: np.random.Generator) -> list[int]:
    """Clothing items in a random order: some that sound, all of different kinds, and some that do not."""
    able, silent, chosen = sources.sounding, sources.silent, list[int]()
    kinds = sources.pictures.kinds
    while len(chosen) < layout.sounding:
        item = able[int(rng.integers(len(able)))]
        if all(kinds[item] != kinds[other] for other in chosen):
            chosen.append(item)
    count = int(rng.integers(*layout.silent, endpoint=True))
    chosen += [silent[int(number)] for number in rng.integers(len(silent), size=count)]
    return [chosen[int(place)] for place in rng.permutation(len(chosen))]


def _timed(sources: Sources, layout: Layout, chosen: Sequence[int], rng: np.random.Generator) -> tuple[Thing, ...]:
    """Every thing with its moments: those of sounds lie apart, those of silent things are often theirs."""
    families = [sources.family(item) for item in chosen]
    when: dict[int, tuple[float, ...]] = {}
    heard: list[float] = []
    for place in [number for number, family in enumerate(families) if family is not None]:
        drawn = _clear_of(heard, layout, rng)
        when[place] = drawn
        heard += drawn
    for place in [number for number, family in enumerate(families) if family is None]:
        own = [_drawn(heard, layout, moment, rng) for moment in moments(rng, layout.moving, layout.seconds)]
        own.sort()
        kept = own[:1] + [later for before, later in pairwise(own) if later - before >= CLEAR]
        when[place] = tuple(kept)
    names = class_names()
    return tuple(
        Thing(names[int(sources.pictures.kinds[item])], families[place], when[place])
        for place, item in enumerate(chosen)
    )


def _clear_of(heard: Sequence[float], layout: Layout, rng: np.random.Generator) -> tuple[float, ...]:
    """Moments apart from all that were drawn before."""
    for _ in range(TRIES):
        drawn = moments(rng, layout.moving, layout.seconds)
        if all(abs(moment - other) >= CLEAR for moment in drawn for other in heard):
            return drawn
    raise ValueError(
        f"{layout.sounding} things cannot sound apart within {layout.seconds:g} s: make scenes longer, or let fewer "
        "things sound"
    )


def _drawn(heard: Sequence[float], layout: Layout, moment: float, rng: np.random.Generator) -> float:
    return heard[int(rng.integers(len(heard)))] if rng.random() < layout.together else moment


def _seen(
    sources: Sources, layout: Layout, chosen: Sequence[int], things: Sequence[Thing], rng: np.random.Generator
) -> tuple[Clip, Int[Tensor, "time height width"]]:
    """The clip, and the thing of every pixel."""
    count = round(layout.seconds * layout.rate)
    frames = Frames(size=layout.size, frames=count, rate=layout.rate, pan=layout.pan)
    shown = ground(sources.pictures, frames, rng) * float(rng.uniform(*layout.light))
    numbers = torch.full((count, layout.size, layout.size), -1)
    middles = (np.arange(count) + 0.5) / layout.rate
    corners = rng.permutation(len(CORNERS))
    for number, (item, thing) in enumerate(zip(chosen, things, strict=True)):
        picture = sources.pictures.items[item], sources.pictures.outlines[item]
        layers = torch.cat([_dyed(picture[0], rng) * picture[1], picture[1][None]])
        layers = layers.flip(-1) if rng.random() < 0.5 else layers
        scale = float(rng.uniform(*layout.sizes)) * 28 / 64
        corner = np.array(CORNERS[int(corners[number])], float)
        placed = _placed(layers, path(rng, layout.moving, thing.moments, middles), corner, scale, frames)
        shown = shown * (1 - placed[:, 3:]) + placed[:, :3]
        numbers = torch.where(placed[:, 3] > 0.5, number, numbers)
    grain = torch.from_numpy(rng.standard_normal(tuple(shown.shape), dtype=np.float32)) * 0.01
    bytes_ = ((shown + grain).clamp(0, 1) * 255).round().to(torch.uint8)
    return Clip(bytes_, torch.arange(count + 1) / layout.rate), numbers


def _dyed(grey: Float[Tensor, "28 28"], rng: np.random.Generator) -> Float[Tensor, "3 28 28"]:
    """Clothing in a random colour, lit as it was photographed."""
    colour = torch.from_numpy(rng.uniform(0.4, 1.0, 3).astype(np.float32)).view(3, 1, 1)
    return colour * (0.2 + 0.8 * grey)


def _placed(
    layers: Float[Tensor, "4 28 28"], along: Path, corner: Float[np.ndarray, " 2"], scale: float, frames: Frames
) -> Float[Tensor, "time 4 size size"]:
    """Colours times the outline, and the outline, where the thing is in every frame; its foot stays where it is."""
    centres = (corner + along.offsets) / 32
    centres[:, 0] += scale * (1 - along.heights)
    theta = np.zeros((len(centres), 2, 3), np.float32)
    theta[:, 0, 0], theta[:, 1, 1] = 1 / scale, 1 / (scale * along.heights)
    theta[:, 0, 2], theta[:, 1, 2] = -centres[:, 1] / scale, -centres[:, 0] / (scale * along.heights)
    return sampled(layers, torch.from_numpy(theta), frames, "zeros")


def _heard(
    sources: Sources, layout: Layout, things: Sequence[Thing], rng: np.random.Generator
) -> tuple[Recording, tuple[Sounded, ...]]:
    """A background, and above it a sound of its family at every moment of a thing that sounds."""
    mix = Mix(seconds=layout.seconds, sample_rate=SAMPLE_RATE, snr=layout.snr, level=layout.level)
    background = sources.backgrounds[int(rng.integers(len(sources.backgrounds)))]
    floor = float(rng.uniform(*layout.level))
    samples = loop(rng, background.samples, mix.length)
    samples *= amplitude(floor - level(samples))
    sounds = list[Sounded]()
    for number, thing in enumerate(things):
        if thing.family is None:
            continue
        able = sources.sounds[thing.family]
        sound = able[int(rng.integers(len(able)))]  # a thing sounds the same each time
        for moment in thing.moments:
            start = round(moment * SAMPLE_RATE)
            signal, _, audible = audible_part(sound, mix.length - start, floor, float(rng.uniform(*layout.snr)), mix)
            samples[start : start + len(signal)] += signal
            offset = min(moment + audible.stop * mix.window, layout.seconds)
            sounds.append(Sounded(moment, offset, number, sound.name))
    peak = float(np.abs(samples).max())
    recording = Recording(torch.from_numpy(np.asarray(samples / max(peak, 1.0), np.float32)), SAMPLE_RATE)
    return recording, tuple(sorted(sounds, key=lambda one: one.onset))
