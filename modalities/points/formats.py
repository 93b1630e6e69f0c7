"""Files of points, a block of rows at a time: PLY, PCD, text, LAS and LAZ, arrays.

A block is a table of numbers under names; `x`, `y` and `z` are among them. What a header claims is never taken into
memory at once.
"""

import re
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gestalt.core.data.reasons import reason_of
from gestalt.core.shards.files import at_hand, open_file
from gestalt.core.storage.damage import silent
from gestalt.core.storage.lzf import unfolded

from .columns import ROWS, Block, known, numbers, unnamed
from .ply_elements import count_in, pass_over, ply_elements
from .text import text_blocks

HEADER = 1 << 16
"""Bytes of the longest header."""
PACKED = 1 << 31
"""Bytes to which the points of a compressed PCD may unfold."""


def blocks_of(path: Path) -> Iterator[Block]:
    """The rows of a file under the names that are known here; other columns are left out.

    Raises:
        ValueError: saying what is wrong with it, and at which row.
    """
    yield from FORMATS[path.suffix.lower()](path)


def _header(file: BinaryIO, last: Callable[[bytes], bool]) -> list[str]:
    """The lines of a header up to its last one."""
    lines = list[str]()
    while True:
        line = file.readline(HEADER)
        if not line.endswith(b"\n") or sum(map(len, lines)) > HEADER:
            raise ValueError("has a header that does not end")
        text = line.decode("ascii", "replace").strip()
        lines.append(text)
        if last(line):
            return lines


def _written(
    file: BinaryIO, names: Sequence[str], kinds: Sequence[str], count: int, last: bool = True
) -> Iterator[Block]:
    """`count` rows of text, of numbers of those types; `last`, after which nothing follows."""
    lines = (line.decode("ascii", "replace") for line in iter(lambda: file.readline(HEADER), b""))
    for begin in range(0, count, ROWS):
        some = list(islice(lines, min(ROWS, count - begin)))
        if len(some) < min(ROWS, count - begin):
            raise ValueError(f"ends behind row {begin + len(some)} of {count}")
        table = numbers(some, begin, len(names))
        if (
            last
            and begin + len(some) == count
            and (more := next((line for line in lines if line.strip()), None)) is not None
        ):
            raise ValueError(f"goes on after row {count}, the last of which its header speaks: {more[:40]!r}")
        with np.errstate(invalid="ignore", over="ignore"):
            columns = [table[:, place].astype(kind) for place, kind in enumerate(kinds)]
        yield _columns(dict(zip(names, columns, strict=True)))


def _stored(file: BinaryIO, dtype: np.dtype[Any], count: int, last: bool = True) -> Iterator[Block]:
    """`count` rows of binary numbers; `last`, after which nothing follows."""
    for begin in range(0, count, ROWS):
        rows = min(ROWS, count - begin)
        content = file.read(rows * dtype.itemsize)
        if len(content) < rows * dtype.itemsize:
            raise ValueError(f"ends behind row {begin + len(content) // dtype.itemsize} of {count}")
        yield _fields(np.frombuffer(content, dtype))
    if last and len(file.read(dtype.itemsize)) == dtype.itemsize:
        raise ValueError(f"goes on after row {count}, the last of which its header speaks")


def _fields(rows: np.ndarray) -> Block:
    """Rows of named numbers."""
    return _columns({name: rows[name] for name in rows.dtype.names or () if rows[name].ndim == 1})


def _columns(given: Mapping[str, np.ndarray]) -> Block:
    """Columns by their names; a colour that is packed into one number is unpacked."""
    columns = dict[str, np.ndarray]()
    for name, own in given.items():
        if name.lower() in ("rgb", "rgba") and own.dtype.itemsize == 4:
            packed = np.ascontiguousarray(own).view(f"{own.dtype.str[0]}u4")
            columns |= {colour: (packed >> shift) & 255 for colour, shift in (("red", 16), ("green", 8), ("blue", 0))}
        else:
            columns[name] = own
    return known(list(columns), np.stack([own.astype(np.float64) for own in columns.values()], axis=1))


def _ply(path: Path) -> Iterator[Block]:
    with open_file(path) as file:
        if file.readline(16).strip() != b"ply":
            raise ValueError("does not begin with 'ply'")
        words = [line.split() for line in _header(file, lambda line: line.strip() == b"end_header")]
        form = next((own[1] for own in words if own[:1] == ["format"] and len(own) > 1), "")
        if form not in ("ascii", "binary_little_endian", "binary_big_endian"):
            raise ValueError(f"has the format {form[:40]!r}, expected ascii, binary_little_endian or binary_big_endian")
        order = ">" if form == "binary_big_endian" else "<"
        elements = ply_elements(words)
        names = [name for name, _, _ in elements]
        if "vertex" not in names:
            raise ValueError("has no element vertex: no points")
        place = names.index("vertex")
        last = not any(count for _, count, _ in elements[place + 1 :])
        for _, count, properties in elements[:place]:
            pass_over(file, count, properties, order if form != "ascii" else "")
        _, count, properties = elements[place]
        if any(" " in kind for _, kind in properties) or len(dict(properties)) < len(properties):
            raise ValueError("has a list, or a property twice, in the element vertex, which is not read")
        if form == "ascii":
            yield from _written(file, [own for own, _ in properties], ["f8"] * len(properties), count, last)
        else:
            yield from _stored(file, np.dtype([(own, f"{order}{kind}") for own, kind in properties]), count, last)


def _pcd(path: Path) -> Iterator[Block]:
    with open_file(path) as file:
        lines = _header(file, lambda line: line.startswith(b"DATA"))
        said = {own[0].upper(): own[1:] for line in lines if (own := line.split()) and not line.startswith("#")}
        names = said.get("FIELDS", said.get("COLUMNS", []))
        sizes, types = said.get("SIZE", []), said.get("TYPE", [])
        counts = [count_in(text, "COUNT") for text in said.get("COUNT", ["1"] * len(names))]
        own = [f"_{place}" if name == "_" else name for place, name in enumerate(names)]
        if not names or not len(own) == len(sizes) == len(types) == len(counts) or len(set(own)) < len(own):
            raise ValueError("has FIELDS, SIZE, TYPE and COUNT that do not fit one another")
        kinds = [f"{kind.lower()}{size}" for kind, size in zip(types, sizes, strict=True)]
        if not all(re.fullmatch(r"f[48]|[iu][1248]", kind) for kind in kinds) or not 0 < sum(counts) <= 4096:
            raise ValueError(f"has fields of {' '.join(kinds)[:80]}, which are no numbers of PCD")
        rows = count_in("".join(said.get("POINTS", [])), "POINTS")
        form = "".join(said.get("DATA", [])).lower()
        if form == "ascii":
            if counts != [1] * len(names):
                raise ValueError("has fields of several numbers in text, which are not read")
            packed = [kind if name in ("rgb", "rgba") else "f8" for name, kind in zip(own, kinds, strict=True)]
            yield from _written(file, own, packed, rows)
            return
        fields = zip(own, kinds, counts, strict=True)
        dtype = np.dtype([(name, f"<{kind}", (count,) if count > 1 else ()) for name, kind, count in fields])
        if form == "binary":
            yield from _stored(file, dtype, rows)
        elif form == "binary_compressed":
            yield from _unfolded(file, dtype, rows)
        else:
            raise ValueError(f"has the data {form[:40]!r}, expected ascii, binary or binary_compressed")


def _unfolded(file: BinaryIO, dtype: np.dtype[Any], rows: int) -> Iterator[Block]:
    """Rows that were compressed by LZF, column by column."""
    sizes = file.read(8)
    if len(sizes) < 8:
        raise ValueError("ends before its points")
    packed, whole = np.frombuffer(sizes, "<u4").tolist()
    if whole != rows * dtype.itemsize or whole > PACKED:
        raise ValueError(f"unfolds to {whole} bytes, its {rows} points have {rows * dtype.itemsize}")
    content = unfolded(file.read(packed), whole)
    columns, begin = np.zeros(rows, dtype), 0
    for name in dtype.names or ():
        kind, shape = dtype[name].base, dtype[name].shape
        size = rows * kind.itemsize * int(np.prod(shape, dtype=int))
        columns[name] = np.frombuffer(content[begin : begin + size], kind).reshape(rows, *shape)
        begin += size
    for first in range(0, rows, ROWS):
        yield _fields(columns[first : first + ROWS])


def _npy(path: Path) -> Iterator[Block]:
    with at_hand(path) as near:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of a torn header
            table = np.load(near, mmap_mode="r", allow_pickle=False)
        if table.dtype.names is None and (table.ndim != 2 or table.dtype.kind not in "fiu"):
            raise ValueError(f"must hold points × numbers, got {table.dtype} of shape {table.shape}")
        if table.dtype.names is not None and table.ndim != 1:
            raise ValueError(f"must hold one row of named numbers for every point, got shape {table.shape}")
        for first in range(0, len(table), ROWS):
            rows = np.asarray(table[first : first + ROWS])
            yield _fields(rows) if rows.dtype.names is not None else unnamed(rows.astype(np.float64))


def _las(path: Path) -> Iterator[Block]:
    try:
        import laspy
    except ImportError as error:
        raise ValueError("is LAS: reading it needs laspy (pip install 'gestalt-ssl[points]')") from error
    with at_hand(path) as near:
        packed = _check_las(near)
        try:
            with silent() if packed else nullcontext():  # what panics also says so on the screen
                opened = laspy.open(near, laz_backend=laspy.LazBackend.Lazrs)
            yield from _las_points(opened, packed)
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # by which the library, which is in Rust, gives up
                raise
            raise ValueError(f"has points that cannot be unfolded ({reason_of(error)})") from error


def _check_las(path: Path) -> bool:
    """Refuse a header that claims more than the file has: laspy would look for it, one by one, or take memory for it.

    Returns:
        whether the points are compressed.

    Raises:
        ValueError: saying what is wrong with it.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(375)
    if head[:4] != b"LASF" or len(head) < 227:
        raise ValueError("does not begin with the header of a LAS file")
    length, begin, vlrs, form, record = struct.unpack_from("<HIIBH", head, 94)
    count = struct.unpack_from("<I", head, 107)[0]
    if head[25] >= 4:
        if len(head) < 375:
            raise ValueError("ends within its header")
        start, more = struct.unpack_from("<QI", head, 235)
        count = max(count, struct.unpack_from("<Q", head, 247)[0])
        if more and start + 60 * more > size:
            raise ValueError(f"claims {more} records behind its points, and has {size} bytes")
    if begin > size or length + 54 * vlrs > begin:
        raise ValueError(f"claims {vlrs} records before its points, which begin at byte {begin} of {size}")
    if not form & 192 and begin + record * count > size:
        raise ValueError(f"ends behind point {max(size - begin, 0) // max(record, 1)} of {count}")
    if form & 192 and count > 4096 * size:
        raise ValueError(f"claims {count} points in {size} bytes")
    if form & 192 and begin + 8 <= size:
        with path.open("rb") as file:
            file.seek(begin)
            table = struct.unpack("<q", file.read(8))[0]
            file.seek(max(size - 8, 0))
            table = struct.unpack("<q", file.read(8))[0] if table == -1 else table  # written as it came
            if not begin + 8 <= table <= size - 8:
                raise ValueError(f"has the table of its compressed parts at byte {table} of {size}")
            file.seek(table + 4)
            parts = struct.unpack("<I", file.read(4))[0]
        if parts > size:
            raise ValueError(f"claims {parts} compressed parts in {size} bytes")
    return bool(form & 192)


def _las_points(opened: Any, packed: bool) -> Iterator[Block]:
    with opened as file:
        there = set(file.header.point_format.dimension_names)
        beside = [name for name in ("red", "green", "blue", "intensity") if name in there]
        chunks = file.chunk_iterator(ROWS)
        while True:
            with silent() if packed else nullcontext():
                points = next(chunks, None)
            if points is None:
                return
            with np.errstate(over="ignore", invalid="ignore"):  # what is infinite is named by its row
                columns = [np.asarray(getattr(points, name), np.float64) for name in ("x", "y", "z", *beside)]
            yield ("x", "y", "z", *beside), np.stack(columns, axis=1)


FORMATS: Mapping[str, Callable[[Path], Iterator[Block]]] = {
    ".ply": _ply,
    ".pcd": _pcd,
    **dict.fromkeys((".xyz", ".txt", ".csv", ".asc"), text_blocks),
    **dict.fromkeys((".las", ".laz"), _las),
    ".npy": _npy,
}
"""By their suffixes."""
