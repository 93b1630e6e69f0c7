"""Whether the texts of a RIFF file (AVI, WAV) are there: decoders take as much memory as these claim to need."""

import struct
from pathlib import Path
from typing import BinaryIO

WITHIN = frozenset((b"hdrl", b"strl", b"odml"))
"""Lists whose chunks are looked at one by one."""
MOST_CHUNKS = 10_000


def lacks_texts(path: Path) -> str:
    """Why the list of texts (title, author, program) of a RIFF file is damaged; nothing for whole ones and other files.

    Example:
        >>> import soundfile, tempfile, numpy
        >>> path = Path(tempfile.mkdtemp()) / "a.wav"
        >>> soundfile.write(path, numpy.zeros(80), 8000)
        >>> lacks_texts(path)
        ''
        >>> _ = path.write_bytes(path.read_bytes() + b"LIST" + bytes([9, 0, 0, 99]) + b"INFO")
        >>> lacks_texts(path)
        'its chunk INFO claims 1660944393 bytes, and 4 are there'
    """
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return ""
        return _lacking(file, path.stat().st_size)


def _lacking(file: BinaryIO, length: int) -> str:
    place = 12
    for _ in range(MOST_CHUNKS):
        file.seek(place)
        head = file.read(12)
        if len(head) < 12 or head[8:] == b"movi":
            break
        size, left = struct.unpack_from("<I", head, 4)[0], length - place - 8
        if head[:4] == b"LIST" and head[8:] == b"INFO":
            if size > left:
                return f"its chunk INFO claims {size} bytes, and {left} are there"
            said = _lacking_text(file, place + 12, place + 8 + size)
            if said:
                return said
        place += 12 if head[:4] == b"LIST" and head[8:] in WITHIN else 8 + size + size % 2
    return ""


def _lacking_text(file: BinaryIO, place: int, end: int) -> str:
    for _ in range(MOST_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if place + 8 > end or len(head) < 8:
            break
        size = struct.unpack_from("<I", head, 4)[0]
        if size > end - place - 8:
            name = head[:4].decode("ascii", "replace")
            return f"its text {name!r} claims {size} bytes, and {end - place - 8} are there"
        place += 8 + size + size % 2
    return ""
