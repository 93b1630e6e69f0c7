"""Which items of several modalities are parts of one."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, final

from ...data.items import AbstractItems, BadItemError, Skipped, file_of
from ..base import AbstractModality, Reading
from ..optional import ReadsColumn
from ..probing import NoneUsableError
from .captions import captions_among, read_captions
from .clocks import on_one_clock
from .item import JointItem
from .named_files import among
from .places import Key, Places
from .rows import Rows
from .same_name import SameName
from .tables import TABLES, is_table, read_part, read_table, said_of_columns
from .windows import axis_of

ADVICE = ": files of one item differ in their endings alone; add what is missing"


def read_joint(
    modalities: Mapping[str, AbstractModality[Any]],
    paths: Sequence[Path],
    skip_bad: bool,
    allow_missing: bool,
    full: bool = False,
) -> Reading[JointItem]:
    """Joint items in files and folders.

    - A table (CSV, TSV or JSON Lines) that has a column named like every part, or that lies in a folder that is
      named: a row is an item. A cell names a file, relative to the table or to a folder that is named, or, for
      modalities that read columns (`ReadsColumn`), holds the part itself.
    - Otherwise every part is read by its modality. What lies in one file (the sound and the frames of a video, columns
      of a table), or in files that differ in their endings alone (`a.jpg` and `a.txt`; `SameName`), belongs together:
      records by their lines, windows in time by their seconds (`on_one_clock`). What does not lie in time, such as a
      caption, is there with each of these windows. Several lines of text beside one picture, or beside one recording,
      are captions of it, of which training draws one.
    - COCO's captions (`read_captions`).

    With `full`, parts are read at the resolution of their files, where their modality can (`ReadsFullResolution`).

    Items with fewer parts than there are modalities are bad, unless `allow_missing`.

    Raises:
        BadItemError: for the first file that cannot be used, or item without one of its parts, unless `skip_bad`.
        FileNotFoundError: for a path that does not exist.
        ValueError: if there is no item.
    """
    tables = among(paths, TABLES, lambda path: is_table(path, list(modalities)))
    if tables:
        return read_tables(modalities, paths, tables, skip_bad, allow_missing, full)
    captions = captions_among(paths)
    if captions:
        return read_captions(modalities, captions, paths, Rows(tuple(modalities), skip_bad, allow_missing), full)
    rows = Rows(tuple(modalities), skip_bad, allow_missing)
    found = dict[str, AbstractItems[Any]]()
    for name, modality in modalities.items():
        try:
            reading = read_part(modality, paths, skip_bad or allow_missing, full)
        except BadItemError as error:
            raise _bad_part(error, name, list(modalities)) from error
        except ValueError as error:
            if not allow_missing:
                raise _no_part(error, name, paths, list(modalities)) from error
            rows.skipped += error.skipped if isinstance(error, NoneUsableError) else ()
            continue
        found[name] = rows.note(reading)
    same = SameName.of(found)
    rows.damaged += same.unread.values()
    clock = on_one_clock(found, modalities, same)
    if clock.apart and not skip_bad:
        one = next(iter(clock.apart.values()))
        raise BadItemError(one.name, one.reason)
    rows.skipped += clock.apart.values()
    rows.damaged += clock.left_out
    found = dict(clock.parts)
    places = {name: Places.of(items, isinstance(modalities[name], ReadsColumn), same) for name, items in found.items()}
    for name, items in found.items():
        rows.read_at_begin(name, items, places[name].longer)
    axis = axis_of(found)
    done = set[str]()
    for stem, place in dict.fromkeys(key for own in places.values() for key in own.numbers):
        timed = {name for name in axis if stem in places[name].counts}
        several = captions_of(stem, places, timed)
        beside = _beside(stem, places, several, timed)
        if stem in clock.apart or _taken((stem, place), places, timed, beside, stem in done):
            continue
        row = [beside[name][0] if name in beside else _number(places, name, (stem, place)) for name in modalities]
        if several and stem not in done:
            for name, items in found.items():
                if name in several and places[name].cut(stem):
                    rows.read_at_begin(name, items, several[name][:1])
            rows.damaged += _not_read(found, places, {*several, *timed}, stem, place)
        if several:
            done.add(stem)
        name, number = next((name, number) for name, number in zip(modalities, row, strict=True) if number >= 0)
        rows.add(found[name].name(number), row, ADVICE, several, file_of(found[name], number))
    return rows.reading(found, ", ".join(map(str, paths)))


def read_tables(
    modalities: Mapping[str, AbstractModality[Any]],
    paths: Sequence[Path],
    tables: Sequence[Path],
    skip_bad: bool,
    allow_missing: bool,
    full: bool,
) -> Reading[JointItem]:
    """The items of a table that is named, or lies in a folder that is.

    Raises:
        ValueError: if there are several tables.
    """
    if len(tables) > 1:
        names = ", ".join(map(str, tables))
        raise ValueError(f"the items of one table are read at a time, and these are {names}: write their rows into one")
    folders = [path for path in paths if path.is_dir()]
    return read_table(modalities, tables[0], skip_bad, allow_missing, full, folders)


def _bad_part(error: BadItemError, part: str, parts: Sequence[str]) -> BadItemError:
    """What is wrong with a file of a part, and what joint items offer beside."""
    path = Path(error.name)
    if path.suffix.lower() in TABLES and path.is_file():
        return BadItemError(error.name, f"{error.reason}; as a table, {said_of_columns(path, parts)}", error.absent)
    return BadItemError(
        error.name, f"{error.reason}, or take the item without its {part} with --allow-missing", error.absent
    )


@final
class NoPartError(ValueError):
    """Nothing has the part `part`, good or bad."""

    def __init__(self, said: str, part: str) -> None:
        super().__init__(said)
        self.part = part


def _no_part(error: ValueError, part: str, paths: Sequence[Path], parts: Sequence[str]) -> ValueError:
    """That nothing that can be used has a part."""
    tables = [path for path in paths if path.suffix.lower() in TABLES and path.is_file()]
    rest = f"; as a table, {said_of_columns(tables[0], parts)}" if tables else ""
    said = f"joint items need the part {part!r}: {error}, or take items without it with --allow-missing{rest}"
    return NoneUsableError(said, error.skipped) if isinstance(error, NoneUsableError) else NoPartError(said, part)


def captions_of(
    stem: str, places: Mapping[str, Places], timed: AbstractSet[str] = frozenset()
) -> dict[str, Sequence[int]]:
    """The items of the parts of which a file has several, where it has one of another part: a picture's captions.

    Args:
        stem: the file without its ending.
        places: of all parts.
        timed: parts of which the file has one that lies in time, in one window or in many.
    """
    alone = any(not own.lines and (own.counts.get(stem) == 1 or name in timed) for name, own in places.items())
    return (
        {name: own.lines[stem] for name, own in places.items() if own.counts.get(stem, 0) > 1 and stem in own.lines}
        if alone
        else {}
    )


def _beside(
    stem: str, places: Mapping[str, Places], several: Mapping[str, Sequence[int]], timed: AbstractSet[str]
) -> dict[str, Sequence[int]]:
    """The items of parts that go with every window of what lies in time, or with a picture."""
    single = {name: own for name, own in places.items() if timed and name not in timed and own.counts.get(stem) == 1}
    return {**{name: (own.firsts[stem],) for name, own in single.items()}, **several}


def _taken(
    key: Key, places: Mapping[str, Places], timed: AbstractSet[str], beside: Mapping[str, Any], done: bool
) -> bool:
    """Whether what lies at a place is in the row of another place: captions are, and what goes with every window."""
    having = {name for name, own in places.items() if key in own.numbers}
    return having <= beside.keys() if timed else done


def _not_read(
    found: Mapping[str, AbstractItems[Any]],
    places: Mapping[str, Places],
    read: AbstractSet[str],
    stem: str,
    place: str,
) -> list[Skipped]:
    """That of the other parts of an item with captions one item is read: records beside a picture, say."""
    left = list[Skipped]()
    for name, own in places.items():
        number = own.numbers.get((stem, place))
        count = own.counts.get(stem, 0) - (number is not None)
        if name not in read and count:
            file = stem if number is None else file_of(found[name], number)
            left.append(Skipped(file, f"{count} further items of {name} are not read: captions belong to one"))
    return left


def _number(places: Mapping[str, Places], name: str, key: Key) -> int:
    return places[name].numbers.get(key, -1) if name in places else -1
