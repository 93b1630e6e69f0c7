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
    place = zlib.crc32((scaffold_of(smiles) or flat(smiles)).encode()) % 10
    return "test" if place == 0 else "validation" if place == 1 else "train"


def scaffold_of(smiles: str) -> str:
    """The Bemis–Murcko scaffold, rings and what links them; empty for a molecule without rings."""
    return str(MurckoScaffold.MurckoScaffoldSmiles(smiles, includeChirality=False))


def random_part_of(smiles: str) -> Literal["train", "validation"]:
    """A fifth of all molecules for choosing options, whatever their scaffold; always the same ones.

    Example:
        >>> random_part_of("C(O)C") == random_part_of("CCO")
        True
    """
    return "train" if zlib.crc32(flat(smiles).encode()) % 5 else "validation"


def scaffold_split(smiles: Sequence[str]) -> list[Part]:
    """A split by scaffold: whole groups of molecules with one Murcko scaffold, from the largest group to the smallest,
    fill the training part up to 80 % of all, then the validation part up to 90 %; the rest is the test part.

    Molecules without rings are one group. Groups of one size go by their scaffold's SMILES. The split draws nothing.

    Example:
        >>> scaffold_split(["CCO"] * 7 + ["c1ccccc1C", "Oc1ccccc1", "C1CCCCC1"])[-3:]
        ['validation', 'validation', 'test']

    Source: Wu et al., "MoleculeNet" (2018), with shares of 80, 10 and 10 %.
    """
    groups: dict[str, list[int]] = {}
    for place, one in enumerate(smiles):
        groups.setdefault(scaffold_of(one), []).append(place)
    parts: list[Part] = ["test"] * len(smiles)
    filled = 0
    for _, members in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        filled += len(members)
        part: Part = "train" if filled <= 0.8 * len(smiles) else "validation" if filled <= 0.9 * len(smiles) else "test"
        for place in members:
            parts[place] = part
    return parts


def flat(smiles: str) -> str:
    """The canonical SMILES without stereo: what tells whether two molecules are the same one."""
    return str(Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False))


def without(smiles: Sequence[str], kept_out: Sequence[str]) -> list[int]:
    """The places of molecules that are not among those kept out, whatever their stereo."""
    out = {flat(one) for one in kept_out}
    return [place for place, one in enumerate(smiles) if flat(one) not in out]
