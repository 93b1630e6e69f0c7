"""Which molecules are learned from and which are kept for the table: by scaffold, the same for every run."""

import zlib
from collections.abc import Sequence
from typing import Literal

from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

Part = Literal["train", "validation", "test"]


def part_of(smiles: str) -> Part:
    """A tenth of all scaffolds is for testing, a tenth for validation; molecules without rings go one by one.

    Molecules that share a Murcko scaffold are always on one side.

    Example:
        >>> part_of("CCc1ccccc1") == part_of("OC(=O)c1ccccc1")
        True
    """
    scaffold = MurckoScaffold.MurckoScaffoldSmiles(smiles, includeChirality=False) or flat(smiles)
    place = zlib.crc32(scaffold.encode()) % 10
    return "test" if place == 0 else "validation" if place == 1 else "train"


def flat(smiles: str) -> str:
    """The canonical SMILES without stereo: what tells whether two molecules are the same one."""
    return str(Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False))


def without(smiles: Sequence[str], kept_out: Sequence[str]) -> list[int]:
    """The places of molecules that are not among those kept out, whatever their stereo."""
    out = {flat(one) for one in kept_out}
    return [place for place, one in enumerate(smiles) if flat(one) not in out]
