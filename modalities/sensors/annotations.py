"""Stretches that EDF+ files say of their signals."""

import warnings
from collections.abc import Sequence
from pathlib import Path

from gestalt.core.data.items import BadItemError
from gestalt.core.data.reasons import reason_of
from gestalt.core.modality.labelled_events import APART, LabelledEvent
from gestalt.core.shards.files import at_hand

from .edf import edf_of
from .reading import ADVICE


def annotations_of(path: Path, seconds: float) -> tuple[LabelledEvent, ...]:
    """The annotations of an EDF+ file that last, in seconds from its first sample, within a series of so many seconds.

    Annotations of a moment are no stretches: they are left out, and a warning counts them.

    Raises:
        BadItemError: if the file cannot be read.
    """
    try:
        with at_hand(path) as file:
            found = [(float(one.onset), float(one.duration or 0.0), str(one.text)) for one in edf_of(file).annotations]
    except ImportError:
        raise
    except Exception as error:  # libraries raise whatever they like at torn bytes
        said = f"cannot be read ({type(error).__name__}: {reason_of(error)}); {ADVICE}"
        raise BadItemError(str(path), said) from error
    kept, moments = list[LabelledEvent](), list[str]()
    for onset, duration, text in found:
        begin, end = max(0.0, onset), min(seconds, onset + duration)
        if duration <= APART:
            moments.append(text)
        elif end - begin > APART:
            kept.append(LabelledEvent(begin, end, text.strip(), str(path)))
    if moments:
        warnings.warn(
            f"{path}: {len(moments)} of {len(found)} annotations are of a moment, such as {moments[0]!r}, and "
            "no stretches; they are left out",
            stacklevel=2,
        )
    return tuple(kept)


def label_within(events: Sequence[LabelledEvent], begin: float, end: float) -> str | None:
    """The name that covers more than half of the time between two moments; None where none does.

    Example:
        >>> sleep = [LabelledEvent(0.0, 30.0, "awake", ""), LabelledEvent(30.0, 90.0, "asleep", "")]
        >>> label_within(sleep, 20.0, 50.0), label_within(sleep, 15.0, 45.0)
        ('asleep', None)
    """
    covered = dict[str, float]()
    for event in events:
        own = min(end, event.offset) - max(begin, event.onset)
        if own > 0:
            covered[event.name] = covered.get(event.name, 0.0) + own
    name = max(covered, key=lambda one: covered[one], default=None)
    return name if name is not None and covered[name] > (end - begin) / 2 else None
