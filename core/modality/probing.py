"""Files examined before anything else: those that cannot be used are named, or left out.

To decode every file of a large data set would take hours before the first step of training, so a sample is decoded; of
the others, only what is needed to count the items is read. What is bad in them shows when its turn comes: `read` raises
`BadItemError`, and whoever leaves out bad items replaces and lists it then.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, final

from ..data.items import BadItemError, Skipped, as_bad_item
from ..shards.addresses import is_archive
from ..shards.files import obstacle_in, place_of
from ..storage.listing import obstacle

FoundT = TypeVar("FoundT")

ADVICE = "repair the link or the permissions, remove it, or leave it out with --skip-bad"
SAMPLE = 64
"""So many files are decoded before anything else."""


def sample(paths: Sequence[Path], most: int = SAMPLE) -> frozenset[Path]:
    """The files that are decoded: `most` of them evenly over the list, first and last included; all if there are fewer.

    Example:
        >>> sorted(path.name for path in sample([Path(name) for name in "abcdefg"], most=3))
        ['a', 'd', 'g']
    """
    last = len(paths) - 1
    return frozenset(paths) if last < most else frozenset(paths[last * number // (most - 1)] for number in range(most))


def probe(
    paths: Sequence[Path], examine: Callable[[Path], FoundT], skipped: list[Skipped] | None
) -> list[tuple[Path, FoundT]]:
    """Every file that can be used, with what `examine` finds in it. Links that lead nowhere, and what may not be read,
    cannot be used.

    Args:
        paths: the files, in order.
        examine: raises for a file that cannot be used: `BadItemError`, or whatever a library does.
        skipped: where the files that cannot be used are added; None raises the error of the first.

    Raises:
        BadItemError: for the first file that cannot be used, if `skipped` is None.
    """
    found: list[tuple[Path, FoundT]] = []
    for path in paths:
        try:
            reason = obstacle_to(path)
            if reason is not None:
                raise BadItemError(str(path), reason)
            found.append((path, examine(path)))
        except Exception as error:  # libraries raise whatever they like at files of others
            bad = as_bad_item(str(path), error)
            if skipped is None:
                if bad is error:
                    raise
                raise bad from error
            skipped.append(Skipped(bad.name, bad.reason, bad.absent))
    return found


def obstacle_to(path: Path) -> str | None:
    """Why a file cannot be read at all, in an archive or not, and what to do; None if nothing is in the way."""
    if is_archive(path) or place_of(path) is not None:
        return obstacle_in(path)
    reason = obstacle(path)
    return None if reason is None else f"{reason}; {ADVICE}"


@final
class NoneUsableError(ValueError):
    """No file is left; `skipped` says of each why."""

    def __init__(self, said: str, skipped: Sequence[Skipped]) -> None:
        super().__init__(said)
        self.skipped = tuple(skipped)


def none_usable(skipped: Sequence[Skipped], files: str) -> NoneUsableError:
    """The error that says why no file is left; `files` names them all, such as "3 audio files".

    Example:
        >>> str(none_usable([Skipped("a.wav", "the file has no bytes")], "1 audio files"))
        'none of 1 audio files can be used; the first, a.wav: the file has no bytes'
    """
    return NoneUsableError(f"none of {files} can be used; the first, {skipped[0].said}", skipped)
