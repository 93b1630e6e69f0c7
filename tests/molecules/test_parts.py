"""What chemists' rules make of molecules, and how the shipped ones are divided."""

from pathlib import Path

import pytest
import torch
from rdkit import Chem

from gestalt.core.experiment.options import Running
from gestalt.modalities.graph import MODALITY, molecule_of
from gestalt.recipes.molecules.corpus.shipped import ASK, DRUGS, LEARN, SAMPLES, records, smiles_of
from gestalt.recipes.molecules.corpus.splits import flat, part_of, scaffold_of, scaffold_split, without
from gestalt.recipes.molecules.moieties import (
    GROUPS,
    brics_pieces,
    communities,
    moieties,
    rotatable_pieces,
    single_bond_pieces,
)
from gestalt.recipes.molecules.recipe import Molecules, Options
from gestalt.recipes.molecules.truth import numbered

WAYS = {
    "moieties": moieties,
    "BRICS": brics_pieces,
    "rotatable bonds": rotatable_pieces,
    "single bonds": single_bond_pieces,
    "communities": communities,
}
KNOWN = {
    "CC(=O)Oc1ccccc1C(=O)O": {"ring system": 6, "carboxyl": 3, "ester": 3, "chain": 1},
    "CCCCCC": {"chain": 6},
    "c1ccc2ccccc2c1": {"ring system": 10},
    "C1CCCCC1=O": {"ring system": 7},  # with what a double bond binds to the ring
    "NS(=O)(=O)c1ccc(Cl)cc1": {"sulphonyl": 4, "ring system": 6, "halide": 1},
    "[Na+].CC(=O)[O-]": {"chain": 1, "carboxyl": 3},  # ... and the ion is a piece of its own
    "COC": {"ether": 3},
    "N#CC=C": {"nitrile": 2, "alkene": 2},
    "O=[N+]([O-])c1ccccc1": {"nitro": 3, "ring system": 6},
    "C": {"chain": 1},
}


@pytest.mark.parametrize("smiles", KNOWN)
def test_parts_of_known_molecules(smiles: str) -> None:
    found = {name: len(atoms) for name, atoms in moieties(molecule_of(smiles))}
    assert found == KNOWN[smiles]


@pytest.mark.parametrize("way", WAYS)
def test_every_atom_of_every_drug_is_in_one_part_and_parts_are_connected(way: str) -> None:
    lines = (SAMPLES / DRUGS).read_text().splitlines()[::40]
    for molecule in map(molecule_of, lines):
        parts = WAYS[way](molecule)
        assert sorted(atom for _, atoms in parts for atom in atoms) == list(range(molecule.GetNumAtoms()))
        if way == "communities":
            continue
        for _, atoms in parts:
            assert "." not in Chem.MolFragmentToSmiles(molecule, list(atoms)), (way, atoms)


def test_patterns_of_groups_are_readable_and_none_is_there_for_nothing() -> None:
    found = {
        name for line in (SAMPLES / DRUGS).read_text().splitlines()[::2] for name, _ in moieties(molecule_of(line))
    }
    assert len(found & GROUPS.keys()) > 20
    assert numbered([moieties(molecule_of("CCO")), moieties(molecule_of("C"))]).shape == (2, 3)


def test_a_scaffold_is_on_one_side_alone_and_sides_are_of_the_size_promised() -> None:
    lines = (SAMPLES / DRUGS).read_text().splitlines()
    parts = [part_of(line) for line in lines]
    for part in ("validation", "test"):
        assert 0.04 < parts.count(part) / len(parts) < 0.2
    assert part_of("CCc1ccccc1") == part_of("c1ccccc1") == part_of("OC(=O)Cc1ccccc1")


def test_nothing_that_is_evaluated_is_trained_on_and_labels_of_the_test_are_not_used_to_choose() -> None:
    given: dict[str, set[str]] = {}
    for name in (LEARN, ASK):
        given[name] = {flat(smiles_of(one)) for one in records(MODALITY.read([SAMPLES / name])).records}
    for validate in (True, False):
        data = Molecules(Options(running=Running(Path("x"), validate=validate))).data()
        assert data.truth is not None
        items = data.items
        trained = {flat(smiles_of(items.record(place))) for place in range(len(items))}  # type: ignore[attr-defined]
        evaluated = {flat(Chem.MolToSmiles(molecule)) for molecule in data.truth.molecules}
        assert not trained & evaluated
        for split in (data.truth.given, data.truth.scaffolds):
            learn, ask = ({flat(one) for one in part.smiles} for part in (split.learn, split.ask))
            assert ask
            assert not (ask - learn) & trained
            if validate:
                assert not (learn | ask | evaluated) & (given[ASK] - given[LEARN])
        learn, ask = ({flat(one) for one in part.smiles} for part in (data.truth.given.learn, data.truth.given.ask))
        if not validate:
            assert ask == given[ASK]
            assert learn == given[LEARN]
        learn, ask = (
            {scaffold_of(one) for one in part.smiles} for part in (data.truth.scaffolds.learn, data.truth.scaffolds.ask)
        )
        assert not learn & ask, "no molecule that is asked about has the scaffold of one to learn from"
        assert data.truth.moieties.shape == data.truth.pieces.shape
        for row, graph in zip(data.truth.moieties, data.evaluated, strict=True):
            assert int((row >= 0).sum()) == len(graph)


def test_a_split_by_scaffold_keeps_groups_whole_and_is_the_same_in_any_order_of_the_molecules() -> None:
    smiles = [smiles_of(one) for name in (LEARN, ASK) for one in records(MODALITY.read([SAMPLES / name])).records]
    parts = scaffold_split(smiles)
    shares = {part: parts.count(part) / len(parts) for part in ("train", "validation", "test")}
    assert shares["train"] == pytest.approx(0.8, abs=0.02)
    assert shares["validation"] == pytest.approx(0.1, abs=0.02)
    sides: dict[str, set[str]] = {}
    for one, part in zip(smiles, parts, strict=True):
        sides.setdefault(scaffold_of(one), set()).add(part)
    assert all(len(side) == 1 for side in sides.values())
    assert sides[""] == {"train"}, "molecules without rings are one group, the largest"
    assert dict(zip(smiles[::-1], scaffold_split(smiles[::-1]), strict=True)) == dict(zip(smiles, parts, strict=True))


def test_molecules_are_the_same_whatever_their_stereo() -> None:
    assert without(["C[C@H](N)O", "CC", "OC(N)C"], ["C[C@@H](N)O"]) == [1]


def test_numbers_of_parts_follow_their_order() -> None:
    assert torch.equal(numbered([[("a", (2,)), ("b", (0, 1))]]), torch.tensor([[1, 1, 0]]))
