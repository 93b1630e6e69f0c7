"""Near-duplicates with the threshold that they were found by: what `gestalt duplicates` and `Model.duplicates` do."""

from dataclasses import dataclass
from typing import final

import numpy as np

from .copies import drawn_rows
from .duplicates import Duplicates, duplicates_in
from .encodes import Encodes
from .index import Index
from .options import Duplicating
from .threshold import Measured, Threshold, chosen_threshold, measured


@final
@dataclass(frozen=True)
class NearDuplicates:
    """What was found, by which threshold, and what that finds of known copies, where it was measured."""

    found: Duplicates
    threshold: Threshold
    measured: tuple[Measured, ...]


def near_duplicates(model: Encodes, index: Index, how: Duplicating) -> NearDuplicates:
    """Pairs and groups in an index; with `measure`, one half of a sample chooses the threshold, the other is measured.

    Raises:
        ValueError: if the index is that of another run, or there is nothing to compare.
    """
    index.check(model)
    of, chosen = index.kind_of(how.among), index.chosen(how.among)
    rng = np.random.default_rng(how.seed)
    sample = rng.permutation(drawn_rows(chosen, how.sample, rng))
    learned, asked = (np.sort(sample[::2]), np.sort(sample[1::2])) if how.measure else (np.sort(sample), sample[:0])
    if how.threshold is None:
        threshold = chosen_threshold(model, index, of, learned, how.error_rate, how.seed)
    else:
        threshold = Threshold(how.threshold, 0, 0, float("nan"))
    scores = measured(model, index, of, asked, threshold.value, how.seed) if how.measure else []
    return NearDuplicates(duplicates_in(index, chosen, threshold.value, how.most), threshold, tuple(scores))
