"""Molfiles and SDF, record by record: one that cannot be read stops no other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rdkit import Chem, rdBase

from gestalt.core.tables.blocks import blocks_of

from .parsing import MOST_RING, refuse_wide_rings, without_hydrogens

END = b"$$$$"
MOST = 1 << 26
"""Bytes of the longest record: a file without an end of records is no SDF."""


def sdf_records(path: Path) -> Iterator[str]:
    """The text of every record.

    Chemists' programs write names and properties in any encoding: what is not UTF-8 is taken for Latin-1, in which
    every byte is a letter. The structure itself is ASCII.

    Raises:
        ValueError: if a record is longer than any molecule.
    """
    waiting, size = list[bytes](), 0
    for line in _byte_lines(path):
        if line.startswith(END):
            yield _text(waiting)
            waiting, size = [], 0
            continue
        waiting.append(line)
        size += len(line)
        if size > MOST:
            raise ValueError(f"has a record of more than {MOST >> 20} MiB; records end with a line $$$$")
    if b"".join(waiting).strip():
        yield _text(waiting)


def _byte_lines(path: Path) -> Iterator[bytes]:
    rest = b""
    for block in blocks_of(path):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
        if len(rest) > MOST:
            raise ValueError(f"has a line of more than {MOST >> 20} MiB: it is no SDF")
    if rest:
        yield rest


def _text(lines: list[bytes]) -> str:
    content = b"\n".join(line.removesuffix(b"\r") for line in lines) + b"\n"
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def molecule_of_record(text: str) -> Chem.Mol:
    """The molecule of a molfile or of a record of SDF, without its hydrogens; its fields are its properties.

    Raises:
        ValueError: if there is none; RDKit's own words are in the message, and not on the screen.
    """
    with rdBase.BlockLogs():
        if text.count("\n") > MOST_RING:
            refuse_wide_rings(_parsed(text, sanitize=False))
        molecule = _parsed(text, sanitize=True)
        if molecule is None:
            rough = _parsed(text, sanitize=False)
            problems = [] if rough is None else [problem.Message() for problem in Chem.DetectChemistryProblems(rough)]
            raise ValueError("; ".join(["is no molecule that RDKit can read", *problems[:1]]))
        if molecule.GetNumAtoms() == 0:
            raise ValueError("describes no atom")
        return without_hydrogens(molecule)


def _parsed(text: str, sanitize: bool) -> Chem.Mol | None:
    supplier: Any = Chem.SDMolSupplier()
    supplier.SetData(text + "$$$$\n", sanitize=sanitize, removeHs=False, strictParsing=False)
    found: Chem.Mol | None = next(iter(supplier), None)
    return found
