"""Molecules as graphs of atoms and bonds, and back, by RDKit."""

import torch
from rdkit import Chem, rdBase

from .data import Graph, Schema
from .parsing import molecule_of as molecule_of
from .parsing import number_of

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


def graph_of(molecule: Chem.Mol, title: str = "", source: str | bytes = "") -> Graph:
    """Heavy atoms as nodes in the molecule's own order, bonds as edges in both directions.

    `source` is what the molecule was made of, so that it can be made again as it was.

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
    # Both directions of a bond stand side by side, that from its begin to its end first.
    edges = torch.stack([ends, ends.flip(1)], dim=1).view(-1, 2).T.contiguous()
    return Graph(
        nodes,
        torch.zeros(len(nodes), 0),
        edges,
        table[:, 2:].repeat_interleave(2, dim=0),
        torch.zeros(edges.shape[1], 0),
        torch.tensor([number_of(atom) for atom in molecule.GetAtoms()], dtype=torch.long),
        MOLECULE,
        title=title,
        source=source,
    )


def _place(value: object, known: tuple[object, ...]) -> int:
    return known.index(value) + 1 if value in known else len(known) + 1


def molecule_from(graph: Graph) -> Chem.Mol:
    """The molecule that a graph shows, atom for node.

    A graph as it was read comes back as the molecule that it was. What a view changed (atoms masked, bonds dropped) is
    made of its features: masked atoms are dummies then, and stereo, isotopes and charges beyond ±6 are not kept. Parts
    of molecules need no sense in chemistry: what RDKit cannot sanitise comes back as it is.

    Raises:
        ValueError: if the graph is no molecule.

    Example:
        >>> Chem.MolToSmiles(molecule_from(graph_of(molecule_of("c1ccccc1C(=O)[O-]"))))
        'O=C([O-])c1ccccc1'
    """
    whole, places = in_whole(graph)
    if len(places) == whole.GetNumAtoms():
        return whole if places == list(range(len(places))) else Chem.RenumberAtoms(whole, places)
    return sanitised(_part(whole, places, graph))


def in_whole(graph: Graph) -> tuple[Chem.Mol, list[int]]:
    """The molecule that a graph is, or is a window of, and which of its atoms each node is.

    Raises:
        ValueError: if the graph is no molecule.
    """
    if graph.schema != MOLECULE:
        raise ValueError(f"only a graph of kind 'molecule' becomes one, got kind {graph.schema.kind!r}")
    if graph.source:
        molecule = molecule_of(graph.source)
        place = {number_of(atom): atom.GetIdx() for atom in molecule.GetAtoms()}
        places = [place.get(number, -1) for number in graph.ids.tolist()]
        if _unchanged(graph, molecule, places):
            return molecule, places
    return sanitised(_of_features(graph)), list(range(len(graph)))


def _unchanged(graph: Graph, molecule: Chem.Mol, places: list[int]) -> bool:
    """Whether the atoms of a molecule are still what a graph says of them, and all bonds between them are there."""
    if -1 in places or not bool((graph.nodes > 0).all()):
        return False
    elements = [min(molecule.GetAtomWithIdx(place).GetAtomicNum(), 118) + 1 for place in places]
    inside = set(places)
    bonds = sum(bond.GetBeginAtomIdx() in inside and bond.GetEndAtomIdx() in inside for bond in molecule.GetBonds())
    same = elements == graph.nodes[:, ELEMENT].tolist()
    return same and 2 * bonds == graph.edges.shape[1] and bool((graph.kinds > 0).all())


def _part(whole: Chem.Mol, places: list[int], graph: Graph) -> Chem.RWMol:
    """Some atoms of a molecule in the order of a graph's nodes; they keep their hydrogens."""
    editable = Chem.RWMol(whole)
    for place, row in zip(places, graph.nodes.tolist(), strict=True):
        atom = editable.GetAtomWithIdx(place)
        atom.SetNumExplicitHs(row[HYDROGEN] - 1)
        atom.SetNoImplicit(True)
    editable.BeginBatchEdit()
    for other in set(range(whole.GetNumAtoms())).difference(places):
        editable.RemoveAtom(other)
    editable.CommitBatchEdit()
    rank = {place: number for number, place in enumerate(sorted(places))}
    return Chem.RWMol(Chem.RenumberAtoms(editable, [rank[place] for place in places]))


def _of_features(graph: Graph) -> Chem.RWMol:
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
        # The direction that comes first is the bond's own, which matters where it points: a dative one.
        if editable.GetBondBetweenAtoms(one, two) is None:
            named = 1 <= row[0] <= len(BONDS)
            editable.AddBond(one, two, BONDS[row[0] - 1] if named else Chem.BondType.ZERO)
    return editable


def sanitised(editable: Chem.RWMol) -> Chem.Mol:
    """A molecule that RDKit has put in order, or as it is where that cannot be."""
    molecule = editable.GetMol()
    with rdBase.BlockLogs():
        try:
            Chem.SanitizeMol(molecule)
        except ValueError:
            molecule = editable.GetMol()
            molecule.UpdatePropertyCache(strict=False)
            Chem.FastFindRings(molecule)
    return molecule
