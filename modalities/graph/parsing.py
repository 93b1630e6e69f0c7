"""Molecules as they are written: parsed by RDKit, with the numbers that their atoms have in the file."""

import re
from typing import Any

from rdkit import Chem, rdBase

NUMBER, NUMBERS = "file_number", "file_atoms"
"""Properties of an atom, its number in the file, and of a molecule, the number of atoms there: hydrogens are left out
of molecules, but not of the count."""
MOST_RING = 2500
"""Atoms of a ring that shares none with another: the memory that RDKit needs grows with its square, to 180 MB."""

OTHERS = (
    (re.compile(r"InChI="), "an InChI, perhaps: write SMILES (obabel FILE -O FILE.smi)"),
    (re.compile(r"[^\s>]*>[^\s>]*>"), "a reaction, perhaps: write its molecules one a line"),
    (re.compile(r"\d+$"), "an edge, perhaps: call a list of edges FILE.edgelist"),
    (re.compile(r"[^\s,;]+[,;]"), "a row of a table, perhaps: call it FILE.csv, with names above its columns"),
)
"""Lines that are taken for SMILES, and what they may be."""


def molecule_of(source: str | bytes) -> Chem.Mol:
    """The molecule that a SMILES, or what `packed` gave, describes; its hydrogens are no atoms.

    Raises:
        ValueError: if it describes none; RDKit's own words are in the message, and not on the screen.

    Example:
        >>> molecule_of("C1CC")
        Traceback (most recent call last):
        ValueError: 'C1CC' is no SMILES that RDKit can read
    """
    if isinstance(source, bytes):
        binary: Any = source  # RDKit takes bytes, its types say text
        return Chem.Mol(binary)
    options: Any = Chem.SmilesParserParams()
    options.removeHs = False
    with rdBase.BlockLogs():
        molecule = in_steps(source) if len(source) > MOST_RING else Chem.MolFromSmiles(source, options)
        if molecule is None:
            rough = Chem.MolFromSmiles(source, sanitize=False)
            problems = [] if rough is None else [problem.Message() for problem in Chem.DetectChemistryProblems(rough)]
            likely = [said for form, said in OTHERS if form.match(source.strip())]
            said = f"{source[:80]!r} is no SMILES that RDKit can read"
            raise ValueError("; ".join([said, *problems[:1], *likely[:1]]))
        if molecule.GetNumAtoms() == 0:
            raise ValueError(f"the SMILES {source[:80]!r} describes no atom")
        return without_hydrogens(molecule)


def in_steps(smiles: str) -> Chem.Mol | None:
    """What RDKit reads with all hydrogens, None for nothing, in time that grows with the length.

    At once, RDKit also looks where stereo could be but is not said, which takes seconds for a chain of 10,000 atoms.

    Raises:
        ValueError: for a molecule with a ring of more than `MOST_RING` atoms.
    """
    rough = Chem.MolFromSmiles(smiles, sanitize=False)
    refuse_wide_rings(rough)
    if rough is None:
        return None
    try:
        Chem.SanitizeMol(rough)
    except Chem.MolSanitizeException:
        return None
    Chem.AssignStereochemistry(rough, cleanIt=True, force=True)
    return rough


def refuse_wide_rings(rough: Chem.Mol | None) -> None:
    """Nothing, for a molecule that is not sanitized yet and whose rings RDKit can find in bounded memory.

    Raises:
        ValueError: for one with a ring of more than `MOST_RING` atoms.
    """
    if rough is None or rough.GetNumAtoms() <= MOST_RING:
        return
    Chem.FastFindRings(rough)
    beside: dict[int, list[int]] = {}
    # Not by bond.IsInRing, which takes memory with the square of a ring.
    for number in {number for ring in rough.GetRingInfo().BondRings() for number in ring}:
        bond = rough.GetBondWithIdx(number)
        beside.setdefault(bond.GetBeginAtomIdx(), []).append(bond.GetEndAtomIdx())
        beside.setdefault(bond.GetEndAtomIdx(), []).append(bond.GetBeginAtomIdx())
    plain = {atom for atom, others in beside.items() if len(others) == 2}
    while plain:
        waiting, length = [plain.pop()], 0
        while waiting:
            length += 1
            near = [other for other in beside[waiting.pop()] if other in plain]
            plain.difference_update(near)
            waiting += near
        if length > MOST_RING:
            raise ValueError(f"has a ring of {length} atoms or more, and at most {MOST_RING} are read")


def without_hydrogens(molecule: Chem.Mol) -> Chem.Mol:
    """A molecule without the hydrogens that RDKit leaves out (isotopes and ions stay); atoms know their old numbers.

    Example:
        >>> [number_of(atom) for atom in molecule_of("[H]OCC").GetAtoms()]
        [1, 2, 3]
    """
    if not any(atom.GetAtomicNum() == 1 for atom in molecule.GetAtoms()):
        return molecule
    for atom in molecule.GetAtoms():
        atom.SetIntProp(NUMBER, atom.GetIdx())
    bare = Chem.RemoveHs(molecule)
    bare.SetIntProp(NUMBERS, molecule.GetNumAtoms(), computed=True)
    return bare


def number_of(atom: Chem.Atom) -> int:
    """The number of an atom in its file, from 0."""
    return atom.GetIntProp(NUMBER) if atom.HasProp(NUMBER) else atom.GetIdx()


def atoms_in_file(molecule: Chem.Mol) -> int:
    """How many atoms the file numbers, hydrogens among them."""
    return molecule.GetIntProp(NUMBERS) if molecule.HasProp(NUMBERS) else molecule.GetNumAtoms()


def packed(molecule: Chem.Mol) -> bytes:
    """A molecule as bytes, with the numbers of its atoms in the file and without its properties."""
    binary: bytes = molecule.ToBinary(int(Chem.PropertyPickleOptions.AtomProps))
    return binary
