"""Molecules: parts of one large molecule, of some, or many whole molecules; as many of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
import torch

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.graph import MODALITY, MOLECULE, Graph, GraphRecords, Record
from gestalt.modalities.graph.data import Graphs
from gestalt.modalities.graph.message_passing import MessagePassing, gine
from gestalt.modalities.graph.views import Subgraph

from ...molecules.corpus.shipped import ASK, DRUGS, LEARN, SAMPLES, all_of, measured, records, smiles_of
from ...molecules.corpus.splits import part_of, random_part_of, without
from ...scene_sources import Part
from ..study import AtStage, Labelled, Source, Study

LAYERS = 4
SOME = 7
"""So many of the largest drugs."""
SHARES = (0.15, 0.5)
"""The least and the greatest share of a drug's atoms in one part of it."""


def molecules() -> Study:
    """What one drug teaches of molecules."""
    return Study(
        modality=MODALITY,
        question="whether a molecule's solubility in water is low, medium or high",
        encoder=lambda: gine(width=128, layers=LAYERS),
        network="GINE of four layers",
        stages=stages,
        views=MODALITY.views,
        single="77",
        sources=sources,
        labelled=labelled,
    )


def stages(network: AbstractEncoder) -> Mapping[str, AbstractEncoder]:
    """What every layer of message passing gives."""
    assert isinstance(network, MessagePassing)
    return {
        f"stage {number + 1}": AtStage(network, network.dim, partial(_after, network, number))
        for number in range(network.layers)
    }


def _after(network: MessagePassing, layer: int, data: Graphs) -> FeatureMap:
    tokens = network.embed(data)
    return replace(tokens, values=network.by_layer(tokens)[layer])


def labelled(part: Part) -> Labelled:
    """Molecules of measured solubility, by the given split; a fifth of those to learn from is for validation."""
    found = measured(_measured(part))
    return Labelled(found.items, found.classes)


@lru_cache(maxsize=3)
def _measured(part: Part) -> list[Record]:
    rows = records(MODALITY.read([SAMPLES / (ASK if part == "test" else LEARN)])).records
    return [row for row in rows if part == "test" or random_part_of(smiles_of(row)) == part]


@lru_cache(maxsize=1)
def _learned() -> tuple[dict[str, Record], list[Record]]:
    """The drugs to learn from by their lines in the shipped file, and the measured molecules to learn from.

    No molecule that is asked about is among them, whatever its stereo.
    """
    rows = records(MODALITY.read([SAMPLES / DRUGS])).records
    drugs = {str(line): row for line, row in enumerate(rows, start=1) if part_of(smiles_of(row)) == "train"}
    asked = [smiles_of(row) for row in (*_measured("validation"), *_measured("test"))]
    kept = without([smiles_of(row) for row in drugs.values()], asked)
    named = list(drugs.items())
    measured_ones = _measured("train")
    others = without([smiles_of(row) for row in measured_ones], asked)
    return dict(named[place] for place in kept), [measured_ones[place] for place in others]


def sources(line: str) -> tuple[Source, ...]:
    """One drug, the largest drugs, and whole molecules.

    Raises:
        ValueError: if no drug to learn from stands in that line of the shipped file.
    """
    drugs, _ = _learned()
    if line not in drugs:
        raise ValueError(
            f"single (--single) must be a line of {DRUGS} with a drug to learn from, such as 77, got {line!r}"
        )
    largest = sorted(drugs, key=lambda one: (-len(_graphs([drugs[one]])[0]), int(one)))[:SOME]
    return (
        Source(f"parts of one drug, line {line}", f"one-{line}", _parts([drugs[line]])),
        Source(f"parts of {SOME} drugs", "some", _parts([drugs[one] for one in largest])),
        Source("many molecules", "many", many),
    )


def _graphs(rows: Sequence[Record]) -> tuple[Graph, ...]:
    return all_of(GraphRecords(rows, MOLECULE))


def _parts(chosen: Sequence[Record]) -> Callable[[int, int], list[Graph]]:
    return lambda count, seed: parts(_graphs(chosen), count, seed)


def parts(of: Sequence[Graph], count: int, seed: int) -> list[Graph]:
    """Connected parts of molecules: the atoms nearest to a random one."""
    rng, part = np.random.default_rng(seed), Subgraph(*SHARES)
    return [part(of[int(rng.integers(len(of)))], rng)[0] for _ in range(count)]


def many(count: int, seed: int) -> list[Graph]:
    """Different molecules, drawn by chance from those to learn from.

    Raises:
        ValueError: if there are not so many.
    """
    drugs, others = _learned()
    rows = [*drugs.values(), *others]
    if count > len(rows):
        raise ValueError(f"items (--items) must be at most {len(rows)}, the molecules to learn from, got {count}")
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    return list(_graphs([rows[number] for number in order[:count].tolist()]))
