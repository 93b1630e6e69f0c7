"""Long SMILES are read in steps: what comes out is what RDKit reads at once."""

import pytest
import torch
from rdkit import Chem

from gestalt.modalities.graph import graph_of, molecule_of
from gestalt.modalities.graph.parsing import MOST_RING, in_steps, without_hydrogens
from gestalt.recipes.molecules.corpus.shipped import DRUGS, SAMPLES


def test_molecules_that_are_read_in_steps_are_those_that_are_read_at_once() -> None:
    lines = (SAMPLES / DRUGS).read_text(encoding="utf-8").splitlines()
    sources = [line.split()[0] for line in lines if line.strip()]
    assert sum("@" in source for source in sources) > 100, "some have chiral atoms"
    assert sum("/" in source for source in sources) > 50, "and double bonds with a side"
    for source in (*sources, "C" * 600 + "[C@H](N)C(=O)O", "[H]OCC[2H]"):
        rough = in_steps(source)
        assert rough is not None
        own, other = without_hydrogens(rough), molecule_of(source)
        assert Chem.MolToSmiles(own) == Chem.MolToSmiles(other)
        one, two = graph_of(own), graph_of(other)
        assert torch.equal(one.nodes, two.nodes)
        assert torch.equal(one.edges, two.edges)
        assert torch.equal(one.kinds, two.kinds)


@pytest.mark.parametrize("end", ["C1", "(C)(C)(C)C", "("])
def test_what_is_no_long_molecule_is_refused_as_a_short_one_is(end: str) -> None:
    for length in (5, MOST_RING):
        with pytest.raises(ValueError, match="is no SMILES that RDKit can read"):
            molecule_of("C" * length + end)
