"""Whether the end of an Ogg file, of sound or of pictures, is there."""

from pathlib import Path

TAIL = 2**17
"""Bytes at the end of a file in which its last page begins: a page has at most 65 307."""
HEADER = 27
LAST = 4  # the flag of a stream's last page


def lacks_end(path: Path) -> str:
    """Why an Ogg file is not whole, such as "its last page is incomplete"; nothing for whole ones and other files.

    The last page of a stream is marked as such. Where it is not, the file was cut off, or its recorder was.

    Example:
        >>> import soundfile, tempfile, numpy
        >>> path = Path(tempfile.mkdtemp()) / "a.ogg"
        >>> soundfile.write(path, numpy.zeros(8000), 8000)
        >>> lacks_end(path)
        ''
        >>> _ = path.write_bytes(path.read_bytes()[:-5])
        >>> lacks_end(path)
        'its last page is incomplete'
    """
    length = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return ""
        file.seek(max(0, length - TAIL))
        end = file.read()
    place = end.rfind(b"OggS")
    while place >= 0 and end[place + 4 : place + 5] not in (b"", b"\0"):  # the letters within the sound, or a tag
        place = end.rfind(b"OggS", 0, place)
    if place < 0:
        return "its last pages are missing"
    page = end[place:]
    sizes = page[HEADER : HEADER + page[26]] if len(page) >= HEADER else b""
    if len(page) < HEADER or len(sizes) < page[26] or len(page) < HEADER + len(sizes) + sum(sizes):
        return "its last page is incomplete"
    return "" if page[5] & LAST else "its last page is not marked as the last"
