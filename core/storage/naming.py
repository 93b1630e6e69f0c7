"""Names of what is written for a file, flat and unique; and how many there are of something."""

import hashlib
from collections.abc import Set
from pathlib import Path

LONGEST = 180  # bytes of a name; file systems take 255, and endings come on top


def track_name(file: Path, taken: Set[str]) -> str:
    """One name for a whole path; where it is too long for a file system, or taken, a digest of the path tells it.

    Example:
        >>> track_name(Path("/birds/spring/a.wav"), frozenset())
        'birds__spring__a.wav'
        >>> track_name(Path("../spring/a.wav"), {"spring__a.wav"})
        'spring__a.wav-0721c589'
    """
    name = "__".join(part for part in file.parts if part not in (file.anchor, "..", "."))
    if len(name.encode(errors="replace")) <= LONGEST and name not in taken:
        return name
    digest = hashlib.sha256(str(file).encode(errors="replace")).hexdigest()[:8]
    return f"{name.encode(errors='replace')[-LONGEST:].decode(errors='ignore')}-{digest}"


def counted(count: int, one: str, several: str = "") -> str:
    """So many of a thing, in words that agree.

    Example:
        >>> counted(1, "file"), counted(3, "file"), counted(2, "class", "classes")
        ('1 file', '3 files', '2 classes')
    """
    return f"{count} {one if count == 1 else several or one + 's'}"
