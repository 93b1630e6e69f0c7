"""The sample rate that recordings are read at: what the user says, or that of most of them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.files import find_files
from gestalt.core.modality.probing import obstacle_to, sample

from .reading import SUFFIXES, read_header

SHIPPED = 16_000
"""Of the sounds that ship with the package, in Hz, and of the encoders below."""
OF_SPEECH = frozenset(("wav2vec2", "hubert", "torchaudio_wav2vec2", "ast"))
"""Encoders that are made for 16 kHz."""

MOST = 500_000
"""The sample rate that is taken where most recordings have a higher one and nobody says otherwise."""


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
        if obstacle_to(path) is not None:
            continue
        try:
            rates[read_header(path).sample_rate] += 1
        except BadItemError:
            continue
    return min(most, max(rates, key=lambda rate: (rates[rate], rate), default=SHIPPED))
