"""What lies nearest to queries in an index."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import final

import numpy as np
import torch
from jaxtyping import Bool

from .by_faiss import by_faiss
from .entries import OBJECT, PART
from .index import Index, Indexed
from .nearest import Kernel, by_torch, nearest
from .queries import Query

TOGETHER = 256
"""So many queries are compared with a block at once, and have their items in memory."""
BACKENDS: dict[str, Kernel] = {"torch": by_torch, "faiss": by_faiss}


@final
@dataclass(frozen=True)
class Hit:
    """A row of the index and its cosine similarity to the query."""

    similarity: float
    row: Indexed


@final
@dataclass(frozen=True)
class Found:
    """A query with its hits, the nearest first."""

    query: Query
    hits: tuple[Hit, ...]


def search(
    index: Index, queries: Iterable[Query], most: int = 10, among: str | None = None, backend: str | None = None
) -> Iterator[Found]:
    """The nearest rows of every query in their order, itself left out where the index holds it.

    Args:
        index: to search in.
        queries: any number; a few hundred are in memory at a time.
        most: hits per query.
        among: `items`, `objects` or the name of a part; None: what the query is. One part of a joint item is searched
            for among the other parts.
        backend: `torch` or `faiss`; None: faiss where it is installed. Both are exact.

    Raises:
        ValueError: if there is nothing to search in.
        ImportError: if faiss is asked for and not installed.
    """
    kernel = _kernel(backend)
    waiting = iter(queries)
    while some := list(islice(waiting, TOGETHER)):
        kinds = [_kinds(index, query, among) for query in some]
        found = dict[int, Found]()
        for chosen in dict.fromkeys(kinds):
            own = [place for place, of in enumerate(kinds) if of == chosen]
            answers = _of_one_kind(index, [some[place] for place in own], index.rows_of(chosen), most, kernel)
            found |= zip(own, answers, strict=True)
        yield from (found[place] for place in range(len(some)))


def _kernel(backend: str | None) -> Kernel:
    if backend is not None:
        if backend not in BACKENDS:
            raise ValueError(f"backend is {' or '.join(BACKENDS)}, got {backend!r}")
        return BACKENDS[backend]
    try:
        import faiss  # noqa: F401
    except ImportError:
        return by_torch
    return by_faiss


def _kinds(index: Index, query: Query, among: str | None) -> tuple[str, ...]:
    of = query.entry.of
    if among is not None:
        index.chosen(among)
        return (index.kind_of(among),)
    if not of.startswith(PART):
        index.chosen(f"{of}s")
        return (of,)
    others = tuple(f"{PART}{name}" for name in index.parts if f"{PART}{name}" != of)
    if not others:
        raise ValueError(f"{index.folder} holds no part other than {of.removeprefix(PART)}: say among what to search")
    return others


def _of_one_kind(
    index: Index, queries: Sequence[Query], chosen: Bool[np.ndarray, " rows"], most: int, kernel: Kernel
) -> Iterator[Found]:
    own = [_own_rows(index, query, chosen) for query in queries]
    vectors = torch.stack([query.vector for query in queries])
    if vectors.shape[1] != index.manifest.dim:
        raise ValueError(f"queries have {vectors.shape[1]} numbers, and the index {index.manifest.dim}")
    found = nearest(vectors, index.blocks(chosen), most + max(map(len, own)), kernel)
    kept = []
    for similarity, numbers, mine in zip(found.similarity.tolist(), found.number.tolist(), own, strict=True):
        hits = [(score, row) for score, row in zip(similarity, numbers, strict=True) if row >= 0 and row not in mine]
        kept.append(hits[:most])
    details = index.details([row for hits in kept for _, row in hits])
    for query, hits in zip(queries, kept, strict=True):
        yield Found(query, tuple(Hit(min(score, 1.0), details[row]) for score, row in hits))


def _own_rows(index: Index, query: Query, chosen: Bool[np.ndarray, " rows"]) -> frozenset[int]:
    """The rows of the query itself: the item, or the object in all windows of its whole; other parts are hits."""
    if query.path is None:
        return frozenset()
    rows = (chosen & index.of_file(query.path) & index.rows_of([query.entry.of])).nonzero()[0]
    if query.entry.of == OBJECT:
        same = (index.whole[rows] == query.whole) & (index.object[rows] == query.entry.number)
    else:
        same = index.item[rows] == query.item
    return frozenset(rows[same].tolist())


def shown_name(row: Indexed) -> str:
    """Where a row comes from: its file below the working directory, and the place in it."""
    path = os.path.relpath(row.path) if row.path.is_relative_to(os.getcwd()) else str(row.path)
    return f"{path} [{row.record}]" if row.record else path
