"""Found parts and vectors in formats that chemists' tools read."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from gestalt.core.experiment.naming import counted
from gestalt.core.experiment.vectors import Batch
from gestalt.core.runs.saved import load_network
from jaxtyping import Float
from rdkit import Chem

from gestalt.core.experiment import Batches, write_skipped, write_vectors
from gestalt.core.networks.encoder import Network
from gestalt.core.storage.atomic import write_text
from gestalt.modalities.graph import MODALITY, Graph, GraphRecords, draw, molecule_from

from .finding import FinderOptions
from .material import records

DRAWN = 500
"""So many molecules are drawn, the first ones; the tables hold all."""


@final
@dataclass(frozen=True)
class Found:
    """One part of a molecule: where the molecule stands, its number there, its atoms, and what they are."""

    source: str
    title: str
    number: int
    atoms: tuple[int, ...]
    smiles: str
    smarts: str


def discover(run: Path, paths: Sequence[Path], out: Path, skip_bad: bool) -> int:
    """Find parts of molecules with a finished run: drawings, a table of atoms with SMARTS, a table of kinds."""
    network, architecture = load_network(run)
    finder = FinderOptions(**architecture.details["finder"]).build()
    batches, items = _batches(network, paths, skip_bad)
    (out / "drawings").mkdir(parents=True, exist_ok=True)
    found: list[Found] = []
    seen = 0
    for batch in batches:
        labels = finder.find(network, batch.data).labels()
        for row, (graph, place) in enumerate(zip(batch.items, batch.places, strict=True)):
            parts = parts_of(graph, labels[row].tolist(), items.name(place))
            found += parts
            if seen < DRAWN:
                shown = [(part.smarts, [graph.ids.tolist().index(atom) for atom in part.atoms]) for part in parts]
                write_text(out / "drawings" / f"{place + 1:05d}.svg", draw(graph, shown))
            seen += 1
    write_text(out / "parts.csv", parts_table(found))
    write_text(out / "kinds.csv", kinds_table(found))
    write_skipped(out, batches.skipped or ())
    drawn = "" if seen <= DRAWN else f"; the first {DRAWN} are drawn"
    print(f"{counted(len(found), 'part')} in {counted(seen, 'molecule')}, written to {out}{drawn}")
    return 0


def embed(run: Path, paths: Sequence[Path], out: Path, skip_bad: bool) -> int:
    """Write the vectors of molecules and of their atoms as `.npz` and Parquet."""
    network, _ = load_network(run)
    batches, items = _batches(network, paths, skip_bad)

    def atoms(batch: Batch[Graph], row: int) -> dict[str, Float[np.ndarray, " elements"]]:
        numbers = np.full(batch.features.values.shape[1], -1.0)
        numbers[: len(batch.items[row])] = batch.items[row].ids.numpy()
        return {"atom": numbers}

    write_vectors(out, batches, items.name, atoms)
    return 0


def _batches(network: Network, paths: Sequence[Path], skip_bad: bool) -> tuple[Batches[Graph], GraphRecords]:
    reading = MODALITY.read(paths, skip_bad)
    items = records(reading)
    return Batches(MODALITY, network, reading, list(reading.skipped) if skip_bad else None, size=64), items


def parts_of(graph: Graph, labels: Sequence[int], source: str) -> list[Found]:
    """The parts of one molecule, in order of their first atoms; atoms are numbered as in the file, from 0."""
    molecule: Any = molecule_from(graph)
    ids = graph.ids.tolist()
    own: dict[int, list[int]] = {}
    for place, number in enumerate(labels[: len(graph)]):
        if number >= 0:
            own.setdefault(number, []).append(place)
    return [
        Found(
            source,
            graph.title,
            number,
            tuple(ids[place] for place in places),
            Chem.MolFragmentToSmiles(molecule, places),
            Chem.MolFragmentToSmarts(molecule, places),
        )
        for number, places in enumerate(own.values(), start=1)
    ]


def parts_table(found: Sequence[Found]) -> str:
    """One line per part."""
    rows = [
        (part.source, part.title, part.number, " ".join(map(str, part.atoms)), part.smiles, part.smarts)
        for part in found
    ]
    return _csv(("molecule", "name", "part", "atoms", "smiles", "smarts"), rows)


def kinds_table(found: Sequence[Found]) -> str:
    """One line per kind of part, the most frequent first."""
    counts = Counter(part.smiles for part in found)
    smarts = {part.smiles: part.smarts for part in reversed(found)}
    rows = [(smiles, count, smarts[smiles]) for smiles, count in counts.most_common()]
    return _csv(("smiles", "parts", "smarts"), rows)


def _csv(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
