"""What sounding scenes are made of: clothing, photographs, families of sounds and backgrounds, split by part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import as_file, files
from typing import final

import numpy as np

from ...audio_events.synthetic.sounds import Sound, load_sounds
from ...audio_events.synthetic.variety import Variety, vary
from ...scene_sources import Part, class_names
from ...video_objects.synthetic.sources import Sources as Pictures
from ...video_objects.synthetic.sources import load_sources as load_pictures

SAMPLE_RATE = 16_000
LONGEST = 0.8  # seconds: what sounds longer is faded out, so that several events fit into a clip
BANK = 60
"""Sounds of every family in training, changed from those that ship."""
CHANGES = Variety(ratio=(0.85, 1.18), gain=6.0, reverse=0.0, tremolo=0.0, reenvelope=0.0, longest=2.5)
"""Mild: a changed sound is still one of its family."""

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "kick": ("bd_", "drum_heavy_kick"),
    "tabla": ("tabla_",),
    "cymbal": ("drum_cymbal_", "drum_splash_", "elec_cymbal"),
    "bass": ("bass_",),
    "snare": (
        "sn_", "drum_snare_", "elec_filt_snare", "elec_hi_snare", "elec_lo_snare", "elec_mid_snare", "elec_snare",
    ),
    "blip": (
        "elec_beep", "elec_bell", "elec_blip", "elec_blup", "elec_chime", "elec_ping", "elec_plip", "elec_pop",
        "elec_triangle", "elec_twip",
    ),
}  # fmt: skip
"""Families of sounds, by what the names of the shipped ones begin with."""
SOUNDING: Mapping[str, str] = {
    "trouser": "kick", "dress": "bass", "sandal": "tabla", "sneaker": "snare", "bag": "cymbal", "ankle boot": "blip",
}  # fmt: skip
"""The family of sounds of each kind of clothing that sounds; the other kinds move silently."""
SHARES = {"test": 0.3, "validation": 0.2}
"""Shares of the sounds of every family, and of the backgrounds; the rest is to learn from."""


@final
@dataclass(frozen=True)
class Sources:
    """Pictures, the sounds of every family, and backgrounds."""

    pictures: Pictures
    sounds: Mapping[str, tuple[Sound, ...]]
    backgrounds: tuple[Sound, ...]

    def family(self, item: int) -> str | None:
        """The family of sounds of a clothing item; None for one that is silent."""
        return SOUNDING.get(class_names()[int(self.pictures.kinds[item])])

    @cached_property
    def sounding(self) -> tuple[int, ...]:
        """The clothing items that sound."""
        return tuple(item for item in range(len(self.pictures.kinds)) if self.family(item) is not None)

    @cached_property
    def silent(self) -> tuple[int, ...]:
        """Those that do not."""
        return tuple(item for item in range(len(self.pictures.kinds)) if self.family(item) is None)


@lru_cache(maxsize=3)
def load_sources(part: Part) -> Sources:
    """The sources of one part; no two parts share an item, a photograph, a sound or a background."""
    with as_file(files("gestalt.recipes") / "samples" / "audio") as folder:
        events, backgrounds = load_sounds(folder, "event"), load_sounds(folder, "background")
    sounds = {family: tuple(map(_short, _part_of(_family(events, family), part))) for family in FAMILIES}
    if part == "train":
        rng = np.random.default_rng(0)
        sounds = {family: _bank(rng, own) for family, own in sounds.items()}
    return Sources(load_pictures(part), sounds, _part_of(backgrounds, part))


def _family(sounds: Sequence[Sound], family: str) -> tuple[Sound, ...]:
    return tuple(replace(one, family=family) for one in sounds if one.name.startswith(FAMILIES[family]))


def _part_of(sounds: Sequence[Sound], part: Part) -> tuple[Sound, ...]:
    """Whole sources in an order that is drawn once, the same for every run: test, validation, and what is left."""
    groups: dict[str, list[Sound]] = {}
    for sound in sounds:
        groups.setdefault(sound.source or sound.name, []).append(sound)
    names = sorted(groups)
    np.random.default_rng(0).shuffle(names)
    test = max(1, round(SHARES["test"] * len(names)))
    validation = test + max(1, round(SHARES["validation"] * len(names)))
    chosen = {"test": names[:test], "validation": names[test:validation], "train": names[validation:]}[part]
    return tuple(sound for name in chosen for sound in groups[name])


def _short(sound: Sound) -> Sound:
    """At most so long, faded out at the end."""
    samples = sound.samples[: round(LONGEST * SAMPLE_RATE)].copy()
    fade = min(len(samples), SAMPLE_RATE // 20)
    samples[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return replace(sound, samples=samples)


def _bank(rng: np.random.Generator, sounds: Sequence[Sound]) -> tuple[Sound, ...]:
    """The sounds themselves, and further ones made of them."""
    further = (sounds[int(rng.integers(len(sounds)))] for _ in range(BANK - len(sounds)))
    return (*sounds, *(_short(vary(rng, sound, CHANGES, SAMPLE_RATE)) for sound in further))
