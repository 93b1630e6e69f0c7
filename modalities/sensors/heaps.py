"""HDF5 as its library reads it, with an eye on heaps of strings: some damage of these keeps it busy without end.

A heap is a collection of objects one behind the other; each says how long it is, and the library goes on by that. An
object of no length, or one whose length leads back, keeps it busy without end, and nothing interrupts it.
"""

import io
from pathlib import Path
from typing import Any, final

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEAP = b"GCOL"
SMALLEST = 16
"""Bytes of the head of an object in a heap, and of its smallest piece."""


@final
class WatchedFile(io.RawIOBase):
    """A file open for reading, of which a damaged heap is shown as zeros, which the library refuses as no heap.

    Args:
        path: the file.

    Attributes:
        problem: what is wrong with the first damaged heap that was read; nothing while there is none.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._size = path.stat().st_size
        self._lengths = self._bytes_of_lengths()
        self.problem = ""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place; a damaged file may ask for one that no file has."""
        return self._file.seek(min(offset, self._size) if whence == io.SEEK_SET else offset, whence)

    def tell(self) -> int:
        """The place."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        """The next bytes: zeros behind the end of the file, and nothing but zeros where a damaged heap begins."""
        begin, view = self._file.tell(), memoryview(buffer).cast("B")
        count = 0
        while count < len(view) and (more := self._file.readinto(view[count:])):
            count += more
        view[count:] = bytes(len(view) - count)  # as the library does where it reads files by itself
        end = self._file.tell()
        first = max(begin - len(HEAP) + 1, 0)
        some = self._at(first, begin - first) + bytes(view[:count])
        place = some.find(HEAP)
        while place >= 0:
            if said := self._damage(first + place):
                self.problem = self.problem or said
                view[:] = bytes(len(view))
                break
            place = some.find(HEAP, place + 1)
        self._file.seek(end)
        return count

    def _at(self, place: int, count: int) -> bytes:
        """Some bytes of the file, as many as there are."""
        self._file.seek(place)
        found = b""
        while len(found) < count and (more := self._file.read(count - len(found))):
            found += more
        return found

    def _bytes_of_lengths(self) -> int:
        """How many bytes a length has: the head of the file says it, which lies at 0, 512, 1024, …"""
        place = 0
        while place < self._size:
            head = self._at(place, 16)
            if head.startswith(SIGNATURE) and len(head) == 16:
                return head[10] if head[8] > 1 else head[14]
            place = max(512, 2 * place)
        return 8

    def _damage(self, begin: int) -> str:
        """What is wrong with the heap at a place; nothing with a whole one, and with what only looks like one."""
        width = self._lengths
        own = -(-(8 + width) // 8) * 8
        head = self._at(begin, own)
        size = int.from_bytes(head[8 : 8 + width], "little")
        if len(head) < own or head[4:8] != b"\x01\0\0\0" or not own <= size <= self._size - begin:
            return ""  # the library looks at this much by itself
        content, place = self._at(begin, size), own
        while place + own <= size:
            number = int.from_bytes(content[place : place + 2], "little")
            length = int.from_bytes(content[place + 8 : place + 8 + width], "little")
            step = own + -(-length // 8) * 8 if number else length
            if not SMALLEST <= step <= size - place:
                return f"its heap of strings at byte {begin} is damaged: object {number} claims {length} bytes"
            place += step
        return ""
