"""Which items of several modalities are parts of one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...data.items import AbstractItems, BadItemError, FromRecords, Skipped, file_of, record_of
from ..base import AbstractModality, Reading
from .item import JointItem
from .items import JointItems
from .tables import is_table, read_table

Key = tuple[str, str]
"""Where an item lies: a file without its ending, and the place in it."""


def read_joint(
    modalities: Mapping[str, AbstractModality[Any]], paths: Sequence[Path], skip_bad: bool, allow_missing: bool
) -> Reading[JointItem]:
    """Joint items in files and folders.

    - A table (CSV, TSV or JSON Lines) that has a column named like every part: a row is an item. A cell names a file,
      relative to the table, or, for modalities that read columns (`ReadsColumn`), holds the part itself.
    - Otherwise every part is read by its modality. What lies in one file (the sound and the frames of a video, columns
      of a table), or in files that differ in their endings alone (`a.jpg` and `a.txt`), belongs together: rows by
      their place in the file, windows by their order.

    Items with fewer parts than there are modalities are bad, unless `allow_missing`.

    Raises:
        BadItemError: for the first file that cannot be used, or item without one of its parts, unless `skip_bad`.
        FileNotFoundError: for a path that does not exist.
        ValueError: if there is no item.
    """
    if len(paths) == 1 and is_table(paths[0], list(modalities)):
        return read_table(modalities, paths[0], skip_bad, allow_missing)
    skipped, damaged = list[Skipped](), list[Skipped]()
    found = dict[str, AbstractItems[Any]]()
    for name, modality in modalities.items():
        try:
            reading = modality.read(paths, skip_bad or allow_missing)
        except BadItemError:
            raise
        except ValueError as error:
            if not allow_missing:
                raise ValueError(f"joint items need the part {name!r}: {error}") from error
            continue
        found[name] = reading.items
        skipped += [one for one in reading.skipped if one not in skipped]
        damaged += [one for one in reading.damaged if one not in damaged]
    places = {name: _places(items) for name, items in found.items()}
    keys = list(dict.fromkeys(key for own in places.values() for key in own))
    rows, names = list[tuple[int, ...]](), list[str]()
    for key in keys:
        row = tuple(places[name].get(key, -1) if name in places else -1 for name in modalities)
        called = next(
            items.name(own[key]) for items, own in zip(found.values(), places.values(), strict=True) if key in own
        )
        lacking = [name for name, number in zip(modalities, row, strict=True) if number < 0]
        if lacking and not allow_missing:
            reason = (
                f"has no {' and no '.join(lacking)}: files of one item differ in their endings alone; add what is "
                "missing, leave the item out with --skip-bad, or take it as it is with --allow-missing"
            )
            if not skip_bad:
                raise BadItemError(called, reason)
            skipped.append(Skipped(called, reason))
            continue
        rows.append(tuple(places[name].get(key, -1) for name in found))  # a part that no file has is none of theirs
        names.append(called)
    if not rows:
        first = f"; the first, {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise ValueError(f"no item in {', '.join(map(str, paths))} has the parts {', '.join(modalities)}{first}")
    return Reading(JointItems(found, rows, names, allow_missing), tuple(skipped), tuple(damaged))


def _places(items: AbstractItems[Any]) -> dict[Key, int]:
    """The number of every item by its place."""
    found, counts = dict[Key, int](), dict[str, int]()
    for number in range(len(items)):
        file = file_of(items, number)
        stem = str(Path(file).with_suffix(""))
        counts[stem] = counts.get(stem, 0) + 1
        told = isinstance(items, FromRecords) and bool(items.fields(number))
        found[stem, record_of(items, number) if told else str(counts[stem] - 1)] = number
    return found
