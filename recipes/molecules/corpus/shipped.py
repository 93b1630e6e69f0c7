"""The shipped drugs and molecules of measured solubility: to train on, and to evaluate on with their truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.base import Reading
from gestalt.modalities.graph import MODALITY, MOLECULE, Graph, GraphRecords, Record, molecule_of

from ..moieties import Part, brics_pieces, moieties
from ..truth import Measured, Split, Truth, numbered
from .splits import part_of, random_part_of, scaffold_split, without

SAMPLES = Path(__file__).parents[2] / "samples" / "graph"
DRUGS, LEARN, ASK = "chembl_drugs.smi", "solubility_train.csv", "solubility_test.csv"


@final
@dataclass(frozen=True)
class Shipped:
    """Molecules to train on, and those to evaluate on with their names, truth, true parts, and class where measured."""

    items: GraphRecords
    evaluated: tuple[Graph, ...]
    names: tuple[str, ...]
    truth: Truth
    parts: list[list[Part]]
    classes: tuple[str | None, ...]


def shipped(validate: bool) -> Shipped:
    """Read the shipped molecules; no molecule that is evaluated is trained on, whatever its stereo.

    Args:
        validate: evaluate on validation molecules, drawn from those to learn from, instead of test molecules.
    """
    drugs, learn, ask = (records(MODALITY.read([SAMPLES / name])) for name in (DRUGS, LEARN, ASK))
    held: dict[str, list[Record]] = {"train": [], "validation": [], "test": []}
    for record in drugs.records:
        held[part_of(smiles_of(record))].append(record)
    to_learn, to_ask = learn.records, ask.records
    if validate:
        parts = [random_part_of(smiles_of(record)) for record in learn.records]
        to_learn = tuple(one for one, part in zip(learn.records, parts, strict=True) if part == "train")
        to_ask = tuple(one for one, part in zip(learn.records, parts, strict=True) if part == "validation")
    # The scaffolds divide all measured molecules alike; labels of the given test part choose nothing.
    scaffolds = by_scaffold([*learn.records, *ask.records], () if not validate else ask.records)
    unseen = [*scaffolds["validation"], *scaffolds["test"]] if validate else scaffolds["test"]
    evaluated = GraphRecords([*held["validation" if validate else "test"], *to_ask], MOLECULE)
    seen, never = [*held["train"], *to_learn], [*evaluated.records, *unseen]
    kept = without([smiles_of(record) for record in seen], [smiles_of(record) for record in never])
    molecules = tuple(
        molecule_of(record.source) for record in evaluated.records if isinstance(record.source, str | bytes)
    )
    known = [moieties(molecule) for molecule in molecules]
    pieces = numbered([brics_pieces(molecule) for molecule in molecules])
    return Shipped(
        GraphRecords([seen[place] for place in kept], MOLECULE),
        all_of(evaluated),
        tuple(evaluated.name(place).removeprefix(f"{SAMPLES}/") for place in range(len(evaluated))),
        Truth(
            molecules,
            numbered(known),
            pieces,
            Split(measured(to_learn), measured(to_ask)),
            Split(
                measured([*scaffolds["train"], *([] if validate else scaffolds["validation"])]),
                measured(scaffolds["validation" if validate else "test"]),
            ),
        ),
        known,
        tuple(solubility(record) for record in evaluated.records),
    )


def by_scaffold(rows: Sequence[Record], hidden: Sequence[Record]) -> dict[str, list[Record]]:
    """The measured molecules split by scaffold, without those that are hidden."""
    parts: dict[str, list[Record]] = {"train": [], "validation": [], "test": []}
    names = {row.name for row in hidden}
    for row, part in zip(rows, scaffold_split([smiles_of(row) for row in rows]), strict=True):
        if row.name not in names:
            parts[part].append(row)
    return parts


def records(reading: Reading[Graph]) -> GraphRecords:
    """The molecules of a reading.

    Raises:
        BadItemError: if they are other graphs.
    """
    items = reading.items
    assert isinstance(items, GraphRecords)
    if items.schema != MOLECULE:
        raise BadItemError(
            items.name(0),
            "is a network, and this recipe takes molecules; train on networks with: "
            "gestalt run objects --modality graph --data …",
        )
    return items


def solubility(record: Record) -> str | None:
    """The class of a molecule: low, medium or high where its solubility was measured."""
    marked = record.values.get("class")
    return None if marked is None else ("low", "medium", "high")["ABC".index(marked[1])]


def smiles_of(record: Record) -> str:
    """The SMILES that a record of the shipped data holds."""
    assert isinstance(record.source, str)
    return record.source


def all_of(items: GraphRecords) -> tuple[Graph, ...]:
    """Every graph."""
    rng = np.random.default_rng(0)
    return tuple(items.read(place, rng) for place in range(len(items)))


def measured(rows: Sequence[Record]) -> Measured:
    """Molecules with their solubility."""
    return Measured(
        all_of(GraphRecords(rows, MOLECULE)),
        torch.tensor([float(row.values["log_solubility"]) for row in rows]),
        torch.tensor([("A", "B", "C").index(row.values["class"][1]) for row in rows]),
        tuple(smiles_of(row) for row in rows),
    )
