"""EDF and EDF+ files: whether all of a file is there, and its signals at one rate."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from gestalt.core.storage.naming import counted

from .channels import Channels, How
from .libraries import library

UNKNOWN = -1
"""The number of records that a file has while it is recorded, or whose recorder was stopped."""


def edf_of(path: Path) -> Any:
    """An EDF file, whose signals are read when they are asked for.

    Of a file that does not say how many records it has, those are read that are whole.

    Raises:
        ValueError: if it is shorter or longer than its header says; or if that does not say it, and no record is there.
    """
    said, size, there = _records(path)
    if said == UNKNOWN and there < size:
        raise ValueError("says that it is being recorded (-1 records), and has no whole record yet")
    if said not in (None, UNKNOWN):
        over, claim = there - said * size, f"its header says {said} records"
        if over < 0:
            lost = f"{counted(-over, 'byte')} {'is' if over == -1 else 'are'} missing"
            raise ValueError(f"is cut off: {claim}, and {there / size:.1f} are there ({lost})")
        if over > 0:
            raise ValueError(
                f"goes on after its end: {claim}, and {counted(over, 'byte')} follow{'s' * (over == 1)} them"
            )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what is torn is said by a warning alone
        if said == UNKNOWN:
            warnings.filterwarnings("ignore", message=".* header indicates -1 data records|Incomplete data record at")
        return library("edfio").read_edf(path, lazy_load_data=True)


def _records(path: Path) -> tuple[int | None, int, int]:
    """How many records the header of a file says, the bytes of one, and those behind the header; None where it says
    nothing of them.
    """
    with path.open("rb") as file:
        head = file.read(256)
        numbers = [_number(head[place]) for place in (slice(184, 192), slice(236, 244), slice(252, 256))]
        length, said, signals = numbers
        if length is None or said is None or signals is None or not 0 < signals <= 1 << 16:
            return None, 1, 0
        file.seek(256 + 216 * signals)
        samples = [_number(file.read(8)) for _ in range(signals)]
    if None in samples or not (size := 2 * sum(filter(None, samples))):
        return None, 1, 0
    return said, size, path.stat().st_size - length


def _number(text: bytes) -> int | None:
    return int(text) if re.fullmatch(rb"-?\d+ *", text) else None


def edf_channels(edf: Any, how: How) -> Channels:
    """All signals at the rate of the fastest one; a slower one keeps its value until the next."""
    if not edf.is_continuous:
        raise ValueError("is EDF+D, with gaps in its time; write it as EDF+C, or cut it where it has gaps")
    signals = {str(signal.label): signal for signal in edf.signals}
    if len(signals) < len(edf.signals):
        raise ValueError("has several signals of one name; give them different ones")
    rates = {
        name: float(signal.sampling_frequency)
        for name, signal in signals.items()
        if name in how.columns or not how.columns
    }
    rate = max(rates.values(), default=0.0)

    def stretch(first: int, count: int) -> Any:
        found = []
        for name, signal in signals.items():
            own = rates.get(name)
            if own is None:
                found.append(np.zeros(count))
                continue
            place = ((first + np.arange(count)) * (own / rate) + 1e-6).astype(int)
            data = signal.get_data_slice(place[0] / own, (place[-1] + 1) / own)
            found.append(data[np.minimum(place - place[0], len(data) - 1)])
        return np.stack(found, axis=1)

    return Channels(rate, round(float(edf.duration) * rate), tuple(signals), stretch)
