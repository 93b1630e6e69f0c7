"""The elements of PLY: what a header says of them, and those that are passed over."""

import re
from collections.abc import Sequence
from itertools import islice
from typing import BinaryIO

import numpy as np

PLY_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2"},
    **{"int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8"},
}
LINE = 1 << 20
"""Bytes of the longest line of text that is passed over."""


def count_in(text: str, what: str) -> int:
    """A number that a header says.

    Raises:
        ValueError: if it is none.

    Example:
        >>> count_in("12", "the elements face")
        12
    """
    if not re.fullmatch(r"\d{1,18}", text):
        raise ValueError(f"has {text[:40]!r} for {what}, expected a number")
    return int(text)


def ply_elements(words: Sequence[Sequence[str]]) -> list[tuple[str, int, list[tuple[str, str]]]]:
    """Of every element its name, how many there are, and its properties with their types; of lists "length of".

    Raises:
        ValueError: for a type that is none of PLY's.

    Example:
        >>> ply_elements([["element", "face", "2"], "property list uchar int vertex_indices".split()])
        [('face', 2, [('vertex_indices', 'u1 i4')])]
    """
    elements = list[tuple[str, int, list[tuple[str, str]]]]()
    for own in words:
        if own[:1] == ["element"] and len(own) == 3:
            elements.append((own[1], count_in(own[2], f"the elements {own[1][:40]}"), []))
        elif own[:1] == ["property"] and elements and len(own) >= 3:
            said = own[2:4] if own[1] == "list" and len(own) == 5 else own[1:2]
            unknown = [kind for kind in said if kind not in PLY_TYPES]
            if not unknown and len(said) == 2 and PLY_TYPES[said[0]][0] == "f":
                raise ValueError(f"has a list {own[-1][:40]!r} whose length is of the type {said[0]}, no whole number")
            if unknown:
                raise ValueError(f"has a property of the type {unknown[0][:40]!r}, which is none of PLY's")
            elements[-1][2].append((own[-1], " ".join(PLY_TYPES[kind] for kind in said)))
    return elements


def pass_over(file: BinaryIO, count: int, properties: Sequence[tuple[str, str]], order: str) -> None:
    """Go behind an element, whose rows are lines, or bytes of that order.

    Args:
        file: which stands where the element begins.
        count: its rows.
        properties: of each row, as `ply_elements` gives them.
        order: of the bytes of a number, "<" or ">"; nothing for text.

    Raises:
        ValueError: if the file ends within it, or a list has a length below zero.
    """
    if not order:
        lines = iter(lambda: file.readline(LINE), b"")
        if sum(1 for _ in islice(lines, count)) < count:
            raise ValueError(f"ends before its points, within {count} rows of another element")
        return
    kinds = [[np.dtype(f"{order}{own}") for own in kind.split()] for _, kind in properties]
    if all(len(own) == 1 for own in kinds):
        file.seek(count * sum(own[0].itemsize for own in kinds), 1)
        return
    for row in range(count):
        for own in kinds:
            content = file.read(own[0].itemsize)
            if len(content) < own[0].itemsize:
                raise ValueError(f"ends before its points, behind row {row} of {count} of another element")
            if len(own) == 2:
                length = int(np.frombuffer(content, own[0])[0])
                if length < 0:
                    raise ValueError(f"has a list of {length} numbers in row {row + 1} of an element before its points")
                file.seek(length * own[1].itemsize, 1)
