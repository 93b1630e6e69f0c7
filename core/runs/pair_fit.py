"""A finished run and pairs of items, the same or different, to what tells of others whether they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.items import AbstractItems, Skipped
from ..evaluation.splitting import Split
from ..fitting.examples import Examples
from ..fitting.fitters import AbstractFitter
from ..fitting.fitters.base import check_answers
from ..fitting.learn import learned
from ..fitting.options import Fitting
from ..fitting.subjects import OfPairs
from ..fitting.task import Task
from ..methods.targets import any_known, standardised
from ..storage.naming import counted
from .fit_facts import Fit, after_facts, counts_of
from .pair_table import read_pairs
from .pairs import pairs_in
from .sees_items import SeesItems

ItemT = TypeVar("ItemT")


def fit_pairs(
    model: SeesItems[ItemT],
    items: AbstractItems[ItemT],
    labels: Any,
    fitter: AbstractFitter,
    options: Fitting,
    skipped: list[Skipped] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Fit:
    """Fit a head to pairs, on the vectors of the encoder as it is; arguments are those of `fit_items`.

    Raises:
        ValueError: if there is no table of pairs, all pairs are of one sort, or the head sees elements side by side.
    """
    if not isinstance(labels, Path):
        raise ValueError("pairs are in a table: --labels FILE, two names and 1 (the same) or 0 in every row")
    if options.group_column is not None:
        raise ValueError("pairs are held out by the files of both sides: leave out --group-column")
    if fitter.together or options.tune:
        raise ValueError("a pair is one vector of an encoder as it is: take --head linear, knn or mlp, without --tune")
    table = read_pairs(labels, options.label_column, skipped is not None)
    target, known = table.known()
    check_answers(fitter, target)
    of = OfPairs(options.pair_parts)
    pairs = pairs_in(model, of, items, table, skipped, options.group)
    there = any_known(known[pairs.rows])
    facts = known[pairs.rows][there]
    if facts.ndim == 1 and len(facts.unique()) < 2:
        raise ValueError(f"{labels}: all pairs are {'the same' if bool(facts.any()) else 'different'}; give both sorts")
    vectors, rows = of.joined(pairs.first, pairs.second).values[there], torch.arange(len(facts))
    asked = FeatureMap(vectors, torch.ones(vectors.shape[:2], dtype=torch.bool))
    examples = Examples(asked, facts[:, None], rows, rows)
    splits, held = pair_splits(pairs.files[there], options.folds, options.seed)
    splits = tuple(one for one in splits if facts.ndim > 1 or len(facts[one.train].unique()) > 1)
    before = [("labelled", f"{counted(len(facts), 'pair')}; {counts_of(target, facts)}")]
    before += [("not used", pairs.note)] if pairs.note else []
    before += [("held out", held), ("to do", f"{fitter.described()}; encoder as it is")]
    for name, text in before:
        say(f"{name}: {text}")
    task = Task(standardised(target, facts), options.balance, options.seed)
    found = learned(examples, of, task, fitter.chosen(examples, task, splits), splits, 0.0, options.sure)
    return Fit(None, found.fitted, tuple(before), after_facts(found), pairs.of(there))


def pair_splits(files: Int[Tensor, "pairs 2"], count: int, seed: int) -> tuple[tuple[Split, ...], str]:
    """Folds of files, and how they are said: no file is on both sides.

    Files that pairs join are held out together. Where they are all joined, files are drawn, and pairs of a held-out and
    another file are on neither side.

    Example:
        >>> splits, said = pair_splits(torch.tensor([[0, 1], [2, 3], [1, 0]]), 5, seed=0)
        >>> sorted(split.test.tolist() for split in splits), said
        ([[0, 2], [1]], '2 folds of 4 files, each held out once')
    """
    names, place = files.unique(return_inverse=True)
    size = len(names)
    joined = coo_array((np.ones(len(files)), (place[:, 0].numpy(), place[:, 1].numpy())), (size, size))
    there, part = connected_components(joined, directed=False)
    rng = np.random.default_rng(seed)
    apart = there >= 2
    folds = min(count, there if apart else size // 2)
    if folds < 2:
        return (), "nothing is held out: all pairs are of a few files"
    owner = rng.permutation(there)[part] if apart else rng.permutation(size)
    fold = torch.from_numpy(owner % folds)[place]
    sides = [(~(fold == one).any(dim=1), (fold == one).all(dim=1)) for one in range(folds)]
    splits = [
        Split(*(side.nonzero()[:, 0] for side in pair)) for pair in sides if all(bool(side.any()) for side in pair)
    ]
    lost = "" if apart else "; pairs across folds are on neither side"
    return tuple(splits), f"{len(splits)} folds of {size} files, each held out once{lost}"
