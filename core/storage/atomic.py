"""Files that are written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a file at one stroke: whoever reads it sees the old text or the new one, never a part.

    File names that are no UTF-8 come as lone surrogates; they are written as escapes, which JSON reads back.
    """
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file at one stroke, and onto the disk before the old one goes.

    Raises:
        OSError: if the disk is full or refuses; the old file is untouched then, and no part of the new one stays.
    """
    temporary = path.with_name(f"{path.name}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()  # half a file would keep a full disk full
        raise OSError(
            f"{path} could not be written ({error.strerror or error}); what was there before is untouched"
        ) from error
