"""Parts of one graph joined to another: molecules stay molecules, and networks get an edge."""

import numpy as np
import pytest
import torch
from rdkit import Chem

from gestalt.core.data.correspondence import Index
from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.transplant import Transplant
from gestalt.modalities.graph.data import Graph, Schema
from gestalt.modalities.graph.molecules import BONDED, HYDROGEN, graph_of, molecule_from, molecule_of
from gestalt.modalities.graph.transplants import transplant

IBUPROFEN, ASPIRIN = "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "CC(=O)Oc1ccccc1C(=O)O"


def graph(smiles: str) -> Graph:
    return graph_of(molecule_of(smiles))


def part(count: int, nodes: list[int]) -> ItemMasks:
    labels = torch.full((count,), -1)
    labels[nodes] = 0
    return ItemMasks(labels, None)


def made(seed: int, host: Graph, donor: Graph, nodes: list[int]) -> Transplant[Graph] | None:
    return transplant(host, donor, part(len(donor), nodes), np.random.default_rng(seed))


PARTS = {
    "an acid": (ASPIRIN, [10, 11, 12], "OC=O"),
    "a ring": (ASPIRIN, [4, 5, 6, 7, 8, 9], "c1ccccc1"),
    "an alkyl": (IBUPROFEN, [0, 1, 2, 3], "CC(C)C"),
    "a methyl": (IBUPROFEN, [0], "C"),
    "a molecule": ("CCO", [0, 1, 2], "CCO"),
    "an amine with two bonds": ("CCNCC", [2], "N"),
}


@pytest.mark.parametrize("case", PARTS.values(), ids=PARTS)
def test_a_composed_molecule_is_a_molecule_with_the_features_that_it_should_have(
    case: tuple[str, list[int], str],
) -> None:
    smiles, nodes, free = case
    host, donor = graph(IBUPROFEN), graph(smiles)
    found_smiles = set()
    for seed in range(12):
        found = made(seed, host, donor, nodes)
        assert found is not None
        molecule = molecule_from(found.item)
        assert Chem.DetectChemistryProblems(molecule) == ()
        again = graph_of(molecule_of(Chem.MolToSmiles(molecule)))
        assert len(Chem.GetMolFrags(molecule)) == 1
        # Atoms that come out of RDKit, from the text of the molecule, have as many hydrogens and neighbours.
        for column in (HYDROGEN, BONDED):
            assert sorted(again.nodes[:, column].tolist()) == sorted(found.item.nodes[:, column].tolist())
        own = molecule_from(found.item.take((found.owner.labels == 1).nonzero()[:, 0]))
        assert _skeleton(own) == _skeleton(molecule_of(free))
        found_smiles.add(Chem.MolToSmiles(molecule))
    assert len(found_smiles) > 2


def _skeleton(molecule: Chem.Mol) -> tuple[list[str], int]:
    return sorted(atom.GetSymbol() for atom in molecule.GetAtoms()), molecule.GetNumBonds()


def test_every_node_is_the_one_that_its_correspondence_names_but_for_what_the_bond_changes() -> None:
    host, donor = graph(IBUPROFEN), graph(ASPIRIN)
    found = made(3, host, donor, [10, 11, 12])
    assert found is not None
    assert isinstance(found.host, Index)
    assert isinstance(found.donor, Index)
    assert found.host.index[0].tolist() == [*range(len(host)), -1, -1, -1]
    assert found.donor.index[0].tolist() == [*[-1] * len(host), 10, 11, 12]
    changed = (found.item.nodes != torch.cat([host.nodes, donor.nodes[10:13]])).nonzero().tolist()
    assert {column for _, column in changed} <= {HYDROGEN, BONDED}
    assert len({node for node, _ in changed}) == 1  # the acid had a bond before, and has one now
    assert found.item.ids[: len(host)].tolist() == host.ids.tolist()
    assert set(found.item.ids[len(host) :].tolist()) == {-1}
    assert host.nodes.equal(graph(IBUPROFEN).nodes)


@pytest.mark.parametrize("host", ["O=C=O", "ClC(Cl)(Cl)Cl"])
def test_a_molecule_without_a_hydrogen_to_give_takes_no_part(host: str) -> None:
    assert made(0, graph(host), graph(ASPIRIN), [0]) is None


@pytest.mark.parametrize("nodes", [[4, 5, 6], [1], []])
def test_parts_cut_out_of_rings_or_double_bonds_are_refused(nodes: list[int]) -> None:
    assert made(0, graph(IBUPROFEN), graph(ASPIRIN), nodes) is None


def test_a_part_larger_than_the_host_or_of_other_features_is_refused() -> None:
    assert made(0, graph("CCO"), graph(ASPIRIN), [4, 5, 6, 7, 8, 9]) is None
    assert made(0, network(6), graph(ASPIRIN), [0]) is None


def network(count: int, seed: int = 0) -> Graph:
    """A ring of nodes with numbers and weights, in both directions."""
    one = torch.arange(count)
    edges = torch.cat([torch.stack([one, (one + 1) % count]), torch.stack([(one + 1) % count, one])], dim=1)
    generator = torch.Generator().manual_seed(seed)
    schema = Schema(nodes=(5,), numbers=2, edges=(3,), weights=1)
    weight = torch.rand(count, 1, generator=generator).repeat(2, 1)
    kinds = torch.ones(2 * count, 1, dtype=torch.long)
    nodes = torch.randint(1, 5, (count, 1), generator=generator)
    return Graph(nodes, torch.rand(count, 2, generator=generator), edges, kinds, weight, torch.arange(count), schema)


def test_other_graphs_are_joined_by_one_edge_like_one_that_was_cut_in_both_directions() -> None:
    host, donor = network(9), network(8, seed=1)
    ends = set()
    for seed in range(20):
        found = made(seed, host, donor, [2, 3, 4, 6])
        assert found is not None
        item = found.item
        assert len(item) == 12  # node 6 is no neighbour of the others
        assert torch.equal(item.nodes[9:], donor.nodes[2:5])
        assert torch.equal(item.numbers[9:], donor.numbers[2:5])
        between = (item.edges < 9).any(dim=0) & (item.edges >= 9).any(dim=0)
        (one, two), (three, four) = item.edges[:, between].T.tolist()
        assert (one, two) == (four, three)
        assert max(one, two) in (9, 11)  # where the part was cut
        cut = donor.weights[1 if max(one, two) == 9 else 4]
        assert item.weights[between].flatten().tolist() == [cut.item()] * 2
        ends.add(min(one, two))
    assert len(ends) > 4


def test_graphs_without_edges_or_edge_features_are_joined_too() -> None:
    alone = Graph.of(torch.tensor([[1], [2]]), torch.zeros(2, 0, dtype=torch.long), Schema(nodes=(4,)))
    found = made(0, alone, alone, [0])
    assert found is not None
    assert found.item.edges.shape == (2, 2)
    single = alone.take(torch.tensor([0]))
    assert made(0, single, alone, [0, 1]) is not None  # of two pieces the first
