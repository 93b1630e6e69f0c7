"""Text files that are written line by line."""

from pathlib import Path
from typing import IO


def open_text(path: Path) -> IO[str]:
    """A new file in UTF-8, and its folder where it is missing; line breaks are written as they are given.

    Names of files that are no UTF-8 come as lone surrogates; they are written as escapes, which JSON reads back.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "new" / "names.txt"
        >>> with open_text(path) as file:
        ...     _ = file.write("caf\\udce9.wav")
        >>> path.read_text()
        'caf\\\\udce9.wav'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
