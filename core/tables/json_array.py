"""The elements of a JSON array in a mapped file, found without reading the whole of it into memory."""

import json
import mmap
import re
from collections.abc import Iterator

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
OPENING, CLOSING = (b"[", b"{"), (b"]", b"}")
BETWEEN = b" \t\r\n,"


def array_in(content: mmap.mmap, name: str, begin: int) -> int:
    """Where the array of that name in a lone object begins; `begin` where there is none."""
    after = re.compile(rb"\s*:\s*(?=\[)")
    depth, wanted = 0, json.dumps(name).encode()
    if not name or not re.compile(rb"\s*\{").match(content, begin):
        return begin
    for token in TOKEN.finditer(content, begin):
        mark = token[0]
        if depth == 1 and mark == wanted and (array := after.match(content, token.end())):
            return array.end()
        depth += (mark in OPENING) - (mark in CLOSING)
    return begin


def elements(content: mmap.mmap, begin: int) -> Iterator[tuple[int, int, str]]:
    """First byte, end and problem of every element of the array, or of a lone object."""
    start = re.compile(rb"\s*").match(content, begin)
    done = begin if start is None else start.end()
    array = content[done : done + 1] == b"["
    depth, open_at, done = 0, done, done + array
    for token in TOKEN.finditer(content, done):
        mark = token[0]
        if depth == 0:
            if content[done : token.start()].strip(BETWEEN):
                yield done, token.start(), "is neither an object nor a text"
            if mark == b"]" and array:
                return
            open_at = token.start()
        depth += (mark in OPENING) - (mark in CLOSING)
        if depth < 0:
            break
        if depth == 0:
            done = token.end()
            yield open_at, done, ""
    if depth:
        yield open_at, len(content), "is no JSON: brackets do not match up to the end of the file"
    elif array or content[done:].strip(BETWEEN):
        yield done, len(content), "is no JSON: the array does not end, or something stands behind it"
