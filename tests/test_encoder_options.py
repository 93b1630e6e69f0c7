"""Every argument of an encoder says what it is; numbers without sense are refused by name, before anything is built.

The command line shows the arguments of encoders as options, so both hold for all encoders of all modalities. Numbers of
modalities and of transforms are held to the same.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_origin

import pytest

from gestalt.cli.fields import Field, fields_of, parts_of
from gestalt.cli.tree import Branch, encoder_branch
from gestalt.core.components.ranges import range_of
from gestalt.core.components.registry import MODALITIES
from gestalt.core.components.settings import settings_of
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.modality.base import AbstractModality
from gestalt.modalities.audio.effects import BackgroundMix, Gain, Noise
from gestalt.modalities.audio.views import FrequencyMask, TimeCrop, TimeStretch
from gestalt.modalities.image.encoders import Conv
from gestalt.modalities.image.segments import Blocks, Felzenszwalb, OnCells, Slic
from gestalt.modalities.text.noise import Characters, Keyboard

NAMES = ("audio", "graph", "image", "points", "sensors", "table", "text", "video")
LOADED: Mapping[str, AbstractModality[Any]] = {name: MODALITIES.load(name) for name in NAMES}
ENCODERS: Mapping[str, Callable[..., Any]] = {
    f"{name}: {encoder}": build for name, modality in LOADED.items() for encoder, build in modality.encoders.items()
}
FURTHER = (Felzenszwalb(), Slic(), Blocks(), OnCells(Blocks()), Characters(), Keyboard())
BUILT: Mapping[str, Any] = {
    **LOADED,
    **{f"{name}: {key}": part for name, modality in LOADED.items() for key, part in modality.transforms.items()},
    **{type(part).__name__: part for part in FURTHER},
}
"""Whatever else takes numbers: modalities, transforms, and what these are made of."""
COMPONENTS: Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]] = {
    **{name: (build, {}) for name, build in ENCODERS.items()},
    **{name: (type(part), settings_of(part)) for name, part in BUILT.items()},
}
"""How each is built, and from which settings."""


def numbers(hint: Any) -> Iterator[type]:
    """The numbers in an annotation."""
    if hint in (int, float):
        yield hint
    for part in get_args(hint):
        yield from numbers(part)


OPTIONS = [(name, field) for name, (build, _) in COMPONENTS.items() for field in fields_of(build)]
NUMBERS = [(name, field) for name, field in OPTIONS if list(numbers(field.hint))]
every_number = pytest.mark.parametrize(
    ("name", "field"), NUMBERS, ids=[f"{name}, {field.name}" for name, field in NUMBERS]
)


def test_there_are_many() -> None:
    assert len(ENCODERS) >= 30
    assert len(NUMBERS) > 150


@pytest.mark.parametrize("name", [*ENCODERS, *NAMES])
def test_every_argument_says_what_it_is_in_one_line(name: str) -> None:
    for field in fields_of(COMPONENTS[name][0]):
        assert re.search(r"[a-z]{3}", field.help), f"{name} says nothing of {field.name}"


@every_number
def test_every_number_has_a_range(name: str, field: Field) -> None:
    wanted = range_of(field.hint)
    assert wanted is not None, f"{name} takes any {field.name}"
    assert wanted.most <= 1e9, f"{name} takes an absurd {field.name}"


def wrong(field: Field) -> list[Any]:
    """Values, of the type that is asked for, that no such number may have."""
    wanted = range_of(field.hint)
    assert wanted is not None
    below = wanted.least if wanted.open_below else wanted.least - 1
    above = wanted.most if wanted.open_above else 10 * wanted.most + 1
    if float in numbers(field.hint):
        return [float(below), float(above), math.nan, math.inf, -math.inf]
    return [
        int(below),
        int(above),
        *(
            number
            for number in range(min(wanted.only, default=0), max(wanted.only, default=0))
            if number not in wanted.only
        ),
    ]


@every_number
def test_a_number_without_sense_is_refused_by_name_before_anything_is_built(name: str, field: Field) -> None:
    build, settings = COMPONENTS[name]
    several = any(get_origin(part) for part in parts_of(field.hint))
    for number in wrong(field):
        value = (number, number) if several else number
        message = rf"\b{field.name}\b must lie in {re.escape(str(range_of(field.hint)))}, got {re.escape(str(number))}$"
        with pytest.raises(ValueError, match=message):
            build(**{**settings, field.name: value})


@pytest.mark.parametrize("name", NAMES)
def test_the_command_line_refuses_settings_of_an_encoder_before_data_are_read(name: str) -> None:
    for encoder, build in LOADED[name].encoders.items():
        branch = encoder_branch(EncoderChoice(encoder), LOADED[name].encoders)
        chosen = branch.values()
        assert chosen == EncoderChoice(encoder)
        for field in fields_of(build):
            if range_of(field.hint) is not None:
                several = any(get_origin(part) for part in parts_of(field.hint))
                options = {**branch.options, field.name: (math.nan,) if several else math.nan}
                with pytest.raises(ValueError, match=rf"\b{field.name}\b.* must lie in .*, got nan"):
                    Branch(branch.build, options, branch.fields).values()


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda: TimeCrop(3.0, 2.0), "shortest and longest"),
        (lambda: TimeStretch(1.2, 0.8), "slowest and fastest"),
        (lambda: FrequencyMask(1.0, 0.5), "narrowest and widest"),
        (lambda: Gain(6.0, -6.0), "low and high"),
        (lambda: Noise(30.0, 5.0), "low and high"),
        (lambda: BackgroundMix([LOADED["audio"].specimens()[0].item], 20.0, 3.0), "low and high"),
    ],
)
def test_a_range_the_wrong_way_round_is_refused_by_name(build: Callable[[], object], names: str) -> None:
    with pytest.raises(ValueError, match=f"{names} must run from lower to higher, got "):
        build()


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("image: conv", {"width": 50, "norm": "group"}, "groups of 16 channels, which 50 cannot be divided into"),
        ("image: swin", {"depths": (1, 1)}, r"depths and heads hold 4 numbers each, got \[1, 1\]"),
        ("image: swin", {"width": 50}, r"heads must divide the channels of their stages, \[50, 100, 200, 400\]"),
        ("image: timm", {"level": 9}, "level must be one of the feature maps of convnext_atto, .*, got 9"),
        ("graph: gat", {"heads": 3}, "heads must divide width, got width=64 and heads=3"),
    ],
)
def test_numbers_that_do_not_go_together_are_refused_in_words(
    name: str, settings: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ENCODERS[name](**settings)


def test_a_window_holds_at_least_one_sample() -> None:
    with pytest.raises(ValueError, match="at least one sample at 8000 Hz, got seconds=1e-05"):
        type(LOADED["audio"])(8000, 1e-5)  # type: ignore[call-arg]


def test_numbers_at_the_ends_of_their_ranges_are_taken() -> None:
    assert Conv(width=2, kernels=(1,), channels=1).dim == 2
    assert ENCODERS["text: raw"](buckets=1, neighbours=0.0).dim > 1
    assert ENCODERS["video: conv"](width=1, blocks=0, finer=8).dim == 1
    assert ENCODERS["graph: gcn"](width=1, layers=1).dim == 1
    assert ENCODERS["audio: conv"](width=1, kernels=(), mels=1).dim == 1
