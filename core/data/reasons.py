"""What libraries say of bytes that they cannot read, as a part of an error of one line."""

import errno

MOST = 400
"""Characters of another library's words that are passed on."""


def cause_of(error: BaseException) -> BaseException:
    """The error as the cause of one that names the file.

    FFmpeg gives its number for a lack of memory where a file claims more than FFmpeg ever asks the system for: that is
    a fault of the file. Python's own lack of memory has no number, and stays what it is.

    Example:
        >>> cause_of(MemoryError())
        MemoryError()
    """
    refused = isinstance(error, MemoryError) and getattr(error, "errno", None) == errno.ENOMEM
    return ValueError(reason_of(error)) if refused else error


def reason_of(error: BaseException) -> str:
    """Its words in one line, shortened; its type where it has none.

    A library that is asked for more memory than there may be says so of the machine, though a damaged length in the
    file was the cause.

    Example:
        >>> reason_of(ValueError("no such tag:\\n\\t7 of 5")), reason_of(KeyError()), reason_of(MemoryError())
        ('no such tag: 7 of 5', 'KeyError', 'it claims more than memory holds')
    """
    if isinstance(error, MemoryError):
        return "it claims more than memory holds"
    said = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
    return said if len(said) <= MOST else f"{said[: MOST - 1]}…"
