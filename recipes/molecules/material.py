"""What a run trains on, and what it is tried on: shipped molecules with truth, or the user's own without."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.items import BadItemError
from gestalt.core.experiment import ExperimentData, readable
from gestalt.core.modality.base import Reading
from gestalt.core.modality.transform import Views
from gestalt.modalities.graph import MODALITY, MOLECULE, Graph, GraphRecords, Record, chain, molecule_of
from gestalt.modalities.graph.views import EdgeMask, FeatureMask, NodeDrop, NodeMask, RandomWalk

from .moieties import Part, brics_pieces, moieties
from .options import Options
from .splits import part_of, without

SAMPLES = Path(__file__).parents[1] / "samples" / "graph"
DRUGS, LEARN, ASK = "chembl_drugs.smi", "solubility_train.csv", "solubility_test.csv"


@final
@dataclass(frozen=True)
class Measured:
    """Molecules whose solubility was measured: log mol/L, and the class (0 low, 1 medium, 2 high)."""

    items: tuple[Graph, ...]
    values: Float[Tensor, " items"]
    classes: Int[Tensor, " items"]
    smiles: tuple[str, ...]


@final
@dataclass(frozen=True)
class Truth:
    """What is true of the tried molecules, and the measured ones to learn from and to be asked about.

    `moieties` and `pieces` number the parts of every atom, −1 on padding.
    """

    molecules: tuple[Any, ...]
    moieties: Int[Tensor, "items atoms"]
    pieces: Int[Tensor, "items atoms"]
    learn: Measured
    ask: Measured


def load_material(options: Options) -> ExperimentData[Graph, Truth]:
    """Read everything that the options ask for."""
    return _own(options) if options.running.data else _shipped(options)


def views() -> Views[Graph]:
    """Two views of every molecule: parts of it, with a few atoms dropped, and atoms and features masked."""
    steps = (
        (0.5, RandomWalk(0.7, 0.95)),
        (0.3, NodeDrop(0.1)),
        (0.8, NodeMask(0.15)),
        (0.5, FeatureMask(0.2)),
        (0.3, EdgeMask(0.2)),
    )
    return Views(chain(), (chain(*steps),) * 2)


def _shipped(options: Options) -> ExperimentData[Graph, Truth]:
    drugs, learn, ask = (records(MODALITY.read([SAMPLES / name])) for name in (DRUGS, LEARN, ASK))
    held: dict[str, list[Record]] = {"train": [], "validation": [], "test": []}
    for record in drugs.records:
        held[part_of(smiles_of(record))].append(record)
    to_learn, to_ask = learn.records, ask.records
    if options.running.validate:
        parts = [part_of(smiles_of(record)) for record in learn.records]
        to_learn = tuple(one for one, part in zip(learn.records, parts, strict=True) if part == "train")
        to_ask = tuple(one for one, part in zip(learn.records, parts, strict=True) if part == "validation")
    tried = GraphRecords([*held["validation" if options.running.validate else "test"], *to_ask], MOLECULE)
    seen = [*held["train"], *to_learn]
    kept = without([smiles_of(record) for record in seen], [smiles_of(record) for record in tried.records])
    items = all_of(tried)
    molecules = tuple(molecule_of(record.source) for record in tried.records if not isinstance(record.source, Graph))
    known = [moieties(molecule) for molecule in molecules]
    truth = Truth(
        molecules,
        numbered(known),
        numbered([brics_pieces(molecule) for molecule in molecules]),
        measured(to_learn),
        measured(to_ask),
    )
    names = tuple(tried.name(place).removeprefix(f"{SAMPLES}/") for place in range(len(tried)))
    items_seen = GraphRecords([seen[place] for place in kept], MOLECULE)
    return ExperimentData(
        items_seen,
        views(),
        items,
        names,
        truth,
        known,
        settings=settings(options),
        label=lambda index: solubility(items_seen.records[index]),
    )


def solubility(record: Record) -> str | None:
    """The class of a molecule: low, medium or high where its solubility was measured."""
    marked = record.values.get("class")
    return None if marked is None else ("low", "medium", "high")["ABC".index(marked[1])]


def _own(options: Options) -> ExperimentData[Graph, Truth]:
    running = options.running
    reading = MODALITY.read(running.data, running.skip_bad)
    items, skipped = records(reading), list(reading.skipped)
    tried = readable(items, skipped if running.skip_bad else None)
    names = tuple(items.name(place) for place in tried)
    return ExperimentData(
        items,
        views(),
        tuple(tried.values()),
        names,
        None,
        skipped=tuple(dict.fromkeys(skipped)),
        settings=settings(options),
    )


def settings(options: Options) -> dict[str, int]:
    """The size of the network."""
    return {"width": options.width, "layers": options.layers}


def records(reading: Reading[Graph]) -> GraphRecords:
    """The molecules of a reading.

    Raises:
        BadItemError: if they are graphs of another kind.
    """
    items = reading.items
    assert isinstance(items, GraphRecords)
    if items.schema != MOLECULE:
        raise BadItemError(
            items.name(0),
            "is a network, and this recipe takes molecules; train on networks with `gestalt.core.training`",
        )
    return items


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


def numbered(parts: Sequence[Sequence[Part]]) -> Int[Tensor, "items atoms"]:
    """The number of every atom's part, −1 on padding."""
    rows = []
    for some in parts:
        row = torch.full((sum(len(atoms) for _, atoms in some),), -1)
        for number, (_, atoms) in enumerate(some):
            row[list(atoms)] = number
        rows.append(row)
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1)
