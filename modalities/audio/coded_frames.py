"""Frames of MP3, MP2, AAC and AC-3: whether a file counts them, and whether one is whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av import Packet

KILOBITS = {  # by whether it is MPEG 1, and the layer
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
AC3_KILOBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
RATES = (44_100, 48_000, 32_000)
HALVED = {3: 1, 2: 2, 0: 4}  # by the bits of the version: MPEG 1, 2 and 2.5
COUNTS = (b"Xing", b"Info", b"VBRI")
WITHIN = 2**12
"""Bytes from the begin of the first frame in which its count of all frames would stand."""


def frame_size(header: bytes) -> int | None:
    """The bytes of the frame that begins with these seven; None where they begin none, or do not say.

    Example:
        >>> frame_size(bytes.fromhex("fffb9064000000")), frame_size(b"RIFF...")
        (417, None)
    """
    if len(header) < 7:
        return None
    if header[:2] == b"\x0b\x77" and header[4] >> 6 < 3 and header[4] & 63 < 38:
        kilobits, hertz = AC3_KILOBITS[(header[4] & 63) // 2], (48_000, 44_100, 32_000)[header[4] >> 6]
        return 2 * (96_000 * kilobits // hertz + (hertz == 44_100 and header[4] & 1))
    if header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    if header[1] & 0xF6 == 0xF0:  # ADTS
        return (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bits, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or bits in (0, 15) or rate == 3:
        return None
    kilobits, hertz = KILOBITS[version == 3, layer][bits - 1], RATES[rate] // HALVED[version]
    if layer == 1:
        return (12_000 * kilobits // hertz + padding) * 4
    return (72_000 if layer == 3 and version != 3 else 144_000) * kilobits // hertz + padding


def counts_frames(path: Path) -> bool:
    """Whether the first frame of an MP3 says how many follow."""
    return any(name in _first_frame(path) for name in COUNTS)


def counted_seconds(path: Path) -> float | None:
    """How long the frames last that the first frame of an MP3 counts (Xing, Info); None where it does not."""
    begin = _first_frame(path)
    place = max(begin.find(b"Xing"), begin.find(b"Info"))
    if place < 0 or len(begin) < place + 12 or not begin[place + 7] & 1:
        return None
    version, rate = begin[1] >> 3 & 3, begin[2] >> 2 & 3
    if begin[0] != 0xFF or version == 1 or rate == 3:
        return None
    frames = int.from_bytes(begin[place + 8 : place + 12])
    return frames * (1152 if version == 3 else 576) * HALVED[version] / RATES[rate]


def _first_frame(path: Path) -> bytes:
    with path.open("rb") as file:
        tag = file.read(10)
        first = 0
        if tag[:3] == b"ID3" and len(tag) == 10:
            first = 10 + sum((byte & 127) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
        file.seek(first)
        return file.read(WITHIN)


def is_torn(codec: str, packet: "Packet[Any]") -> bool:
    """Whether a packet of this codec holds less than the frame that begins in it."""
    if not codec.startswith(("mp1", "mp2", "mp3", "aac", "ac3")):
        return False
    wanted = frame_size(bytes(memoryview(packet)[:7]))
    return wanted is not None and 0 < packet.size < wanted
