"""Files of this package that are read again: what is the matter with one, in a line that names it."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

LONGEST = 200
"""Letters of what a library says that are repeated."""
_SILENT = threading.RLock()  # a decoder may ask another one


def first_line(error: BaseException) -> str:
    """What an error says, its first line, or its kind where it says nothing.

    Example:
        >>> first_line(ValueError("no header\\nsee the manual")), first_line(EOFError())
        ('no header', 'EOFError')
    """
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def read_or_name(path: Path, read: Callable[[Path], ResultT], advice: str) -> ResultT:
    """What `read` finds in a file.

    Raises:
        ValueError: naming the file with the reason and the advice, whatever `read` raised over what it holds.
        OSError: if it cannot be opened.

    Example:
        >>> read_or_name(Path("a.json"), lambda _: json.loads("{"), "remove it")
        Traceback (most recent call last):
        ValueError: a.json is damaged (JSONDecodeError: Expecting property name enclosed in double quotes: line 1 ...
    """
    try:
        return read(path)
    except Exception as error:  # libraries, and readers of any structure, raise whatever they like
        if of_system(error):
            raise
        raise ValueError(f"{path} is damaged ({type(error).__name__}: {first_line(error)}); {advice}") from error


KINDS = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""What the system says of files, also where a library says it without the number."""


def of_system(error: BaseException) -> bool:
    """Whether an error is one of the system, by its number or its kind: libraries call what is in a file one, too.

    Example:
        >>> of_system(FileNotFoundError("gone")), of_system(OSError("Couldn't deserialize thrift"))
        (True, False)
    """
    return isinstance(error, KINDS) or (isinstance(error, OSError) and error.errno is not None)


def json_of(path: Path) -> Any:
    """The JSON in a file in UTF-8.

    Raises:
        ValueError: if it is none, or nested deeper than anyone writes.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


@contextmanager
def silent() -> Iterator[None]:
    """Within it, what libraries in C write to standard error by themselves is dropped: they raise an error, too.

    Only for decoders that cannot be told to be quiet: nothing else of the process is heard meanwhile either.
    """
    with _SILENT:
        if sys.stderr is not None:
            sys.stderr.flush()
        try:
            saved = os.dup(2)
        except OSError:  # there is none
            yield
            return
        nothing = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nothing, 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(nothing)
