"""Molecules as graphs of atoms and bonds, and back, by RDKit."""

from typing import Any

import torch
from rdkit import Chem, rdBase

from .data import Graph, Schema

CHIRALITY = (
    Chem.ChiralType.CHI_UNSPECIFIED, Chem.ChiralType.CHI_TETRAHEDRAL_CW, Chem.ChiralType.CHI_TETRAHEDRAL_CCW,
)  # fmt: skip
HYBRIDISATION = (
    Chem.HybridizationType.S, Chem.HybridizationType.SP, Chem.HybridizationType.SP2, Chem.HybridizationType.SP3,
    Chem.HybridizationType.SP3D, Chem.HybridizationType.SP3D2,
)  # fmt: skip
BONDS = (
    Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE, Chem.BondType.AROMATIC, Chem.BondType.DATIVE,
)  # fmt: skip
STEREO = (
    Chem.BondStereo.STEREONONE, Chem.BondStereo.STEREOZ, Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOCIS,
    Chem.BondStereo.STEREOTRANS,
)  # fmt: skip
CHARGE, DEGREE, HYDROGENS, RADICALS = 6, 8, 6, 3  # the greatest with a category of their own
ELEMENT, CHARGED, HYDROGEN, RADICAL, AROMATIC = 0, 3, 4, 5, 7  # columns that rebuild a molecule
CHIRAL, BONDED = 1, 2  # columns that a new bond changes, with that of hydrogens
SINGLE_BOND = (1, 1, 1, 1)  # the categories of a single bond without stereo, neither conjugated nor in a ring

# 0 is the mask; in lists, what is not named shares one more category at the end.
MOLECULE = Schema(
    nodes=(
        120,
        len(CHIRALITY) + 2,
        DEGREE + 2,
        2 * CHARGE + 2,
        HYDROGENS + 2,
        RADICALS + 2,
        len(HYBRIDISATION) + 2,
        3,
        3,
    ),
    edges=(len(BONDS) + 2, len(STEREO) + 2, 3, 3),
    kind="molecule",
)
"""Atoms: element (its number plus one, 1 for a dummy), chirality, degree, charge, hydrogens, radical electrons,
hybridisation, aromatic, in a ring. Bonds: order, stereo, conjugated, in a ring."""


def molecule_of(source: str | bytes) -> Chem.Mol:
    """The molecule that a SMILES, or RDKit's binary form of one, describes.

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
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(source)
        if molecule is None:
            rough = Chem.MolFromSmiles(source, sanitize=False)
            problems = [] if rough is None else [problem.Message() for problem in Chem.DetectChemistryProblems(rough)]
            raise ValueError("; ".join([f"{source[:80]!r} is no SMILES that RDKit can read", *problems[:1]]))
    if molecule.GetNumAtoms() == 0:
        raise ValueError(f"the SMILES {source[:80]!r} describes no atom")
    return molecule


def graph_of(molecule: Chem.Mol, title: str = "") -> Graph:
    """Heavy atoms as nodes in the molecule's own order, bonds as edges in both directions.

    Example:
        >>> graph_of(molecule_of("CO")).nodes[:, 0].tolist()  # carbon and oxygen
        [7, 9]
    """
    atoms = [
        (
            min(atom.GetAtomicNum(), 118) + 1,
            _place(atom.GetChiralTag(), CHIRALITY),
            min(atom.GetDegree(), DEGREE) + 1,
            max(-CHARGE, min(atom.GetFormalCharge(), CHARGE)) + CHARGE + 1,
            min(atom.GetTotalNumHs(), HYDROGENS) + 1,
            min(atom.GetNumRadicalElectrons(), RADICALS) + 1,
            _place(atom.GetHybridization(), HYBRIDISATION),
            1 + atom.GetIsAromatic(),
            1 + atom.IsInRing(),
        )
        for atom in molecule.GetAtoms()
    ]
    bonds = [
        (
            bond.GetBeginAtomIdx(),
            bond.GetEndAtomIdx(),
            _place(bond.GetBondType(), BONDS),
            _place(bond.GetStereo(), STEREO),
            1 + bond.GetIsConjugated(),
            1 + bond.IsInRing(),
        )
        for bond in molecule.GetBonds()
    ]
    table = torch.tensor(bonds, dtype=torch.long).view(-1, 2 + len(MOLECULE.edges))
    ends = table[:, :2]
    nodes = torch.tensor(atoms, dtype=torch.long).view(-1, len(MOLECULE.nodes))
    # Both directions of a bond stand side by side.
    edges = torch.stack([ends, ends.flip(1)], dim=1).view(-1, 2).T.contiguous()
    return Graph(
        nodes,
        torch.zeros(len(nodes), 0),
        edges,
        table[:, 2:].repeat_interleave(2, dim=0),
        torch.zeros(edges.shape[1], 0),
        torch.arange(len(nodes)),
        MOLECULE,
        title=title,
    )


def _place(value: object, known: tuple[object, ...]) -> int:
    return known.index(value) + 1 if value in known else len(known) + 1


def molecule_from(graph: Graph) -> Chem.Mol:
    """The molecule that a graph shows, atom for node; masked atoms are dummies, and stereo is not kept.

    Parts of molecules need no sense in chemistry: what RDKit cannot sanitise comes back as it is.

    Raises:
        ValueError: if the graph is no molecule.

    Example:
        >>> Chem.MolToSmiles(molecule_from(graph_of(molecule_of("c1ccccc1C(=O)[O-]"))))
        'O=C([O-])c1ccccc1'
    """
    if graph.schema != MOLECULE:
        raise ValueError(f"only a graph of kind 'molecule' becomes one, got kind {graph.schema.kind!r}")
    editable = Chem.RWMol()
    for row in graph.nodes.tolist():
        atom = Chem.Atom(max(row[ELEMENT] - 1, 0))
        if row[CHARGED]:
            atom.SetFormalCharge(row[CHARGED] - CHARGE - 1)
        if row[HYDROGEN]:
            atom.SetNumExplicitHs(row[HYDROGEN] - 1)
            atom.SetNoImplicit(True)
        if row[RADICAL]:
            atom.SetNumRadicalElectrons(row[RADICAL] - 1)
        atom.SetIsAromatic(row[AROMATIC] == 2)
        editable.AddAtom(atom)
    for (one, two), row in zip(graph.edges.T.tolist(), graph.kinds.tolist(), strict=True):
        if one < two and editable.GetBondBetweenAtoms(one, two) is None:
            named = 1 <= row[0] <= len(BONDS)
            editable.AddBond(one, two, BONDS[row[0] - 1] if named else Chem.BondType.ZERO)
    molecule = editable.GetMol()
    with rdBase.BlockLogs():
        try:
            Chem.SanitizeMol(molecule)
        except ValueError:
            molecule = editable.GetMol()
            molecule.UpdatePropertyCache(strict=False)
            Chem.FastFindRings(molecule)
    return molecule
