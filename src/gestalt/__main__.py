"""The command line: `gestalt COMMAND …`."""

import io
import os
import re
import sys
import time


def main() -> None:
    """Entry point of the command `gestalt`: a user's mistake ends in one clear line, not in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files that are no UTF-8 come as lone surrogates
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            from .cli.commands import execute

            code = execute(sys.argv[1:])
        finally:
            sys.stdout.flush()  # here, where a broken pipe can be answered
    except BrokenPipeError:  # whoever read our output (head, a pager) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit finds a reader
        code = 141  # what the shell says of a process that SIGPIPE ended
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        if os.environ.get("GESTALT_TRACEBACK"):
            raise
        if not said_elsewhere(error):
            print(f"gestalt: {error}\n(GESTALT_TRACEBACK=1 shows where this came from)", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def said_elsewhere(error: Exception, patience: float = 5.0) -> bool:
    """Whether another process of a run on several devices says what went wrong, so that it is said once.

    A connection that breaks is only the echo of an error elsewhere. An error in a further process may be the first
    one's too: then the first ends by itself, within `patience` seconds; otherwise it is waiting for this one.
    """
    if isinstance(error, RuntimeError) and re.search(r"gloo|NCCL|Connection (closed|reset)", str(error)):
        return True
    if int(os.environ.get("LOCAL_RANK", "0")) == 0:
        return False
    first, until = os.getppid(), time.monotonic() + patience
    while os.getppid() == first and time.monotonic() < until:
        time.sleep(0.05)
    return os.getppid() != first


if __name__ == "__main__":
    main()
