"""The sample rate of a run: that of most recordings, and everything in the run's options that depends on it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from gestalt.core.components.settings import settings_of
from gestalt.core.data.items import BadItemError
from gestalt.core.modality.files import find_files
from gestalt.core.modality.probing import sample
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.audio.reading import SUFFIXES, read_header

SHIPPED = 16_000
"""Of the shipped sounds, in Hz, and of the encoders below."""
OF_SPEECH = frozenset(("wav2vec2", "hubert", "torchaudio_wav2vec2", "ast"))
"""Encoders that are made for 16 kHz."""

ValueT = TypeVar("ValueT")


def rate_of(paths: Sequence[Path], most: int) -> int:
    """The sample rate of most recordings, at most `most`; of two that are as frequent, the higher.

    Of many files a sample is looked at. Those that cannot be read are passed over here: whoever reads them says so.

    Raises:
        FileNotFoundError: for a path that does not exist.
        ValueError: if there is no audio at all.
    """
    found = find_files(paths, SUFFIXES, "audio")
    rates: Counter[int] = Counter()
    for path in sorted(sample(found)):
        try:
            rates[read_header(path).sample_rate] += 1
        except BadItemError:
            continue
    return min(most, max(rates, key=lambda rate: (rates[rate], rate), default=SHIPPED))


def at_rate(value: ValueT, sample_rate: int) -> ValueT:
    """The same options, whose encoders take recordings of another sample rate.

    Example:
        >>> from gestalt.recipes.audio_events.recipe import events_finder
        >>> at_rate(events_finder(), 48_000).background.salience.sample_rate
        48000
    """
    if isinstance(value, AbstractEncoder):
        settings = settings_of(value)
        if settings.get("sample_rate", sample_rate) == sample_rate:
            return value
        return type(value)(**{**settings, "sample_rate": sample_rate})
    if not is_dataclass(value) or isinstance(value, type):
        return value
    own: dict[str, Any] = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    changed = {name: at_rate(part, sample_rate) for name, part in own.items()}
    same = all(changed[name] is part for name, part in own.items())
    return value if same else replace(value, **changed)
