"""The table: every way of cutting molecules, and of predicting their solubility, on the same molecules."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans, Regions
from gestalt.core.evaluation import Column, FineTuning, adjusted_rand_index, mean_best_overlap
from gestalt.core.experiment.predictions import Predictions, predictions_of
from gestalt.core.networks.encoder import Network
from gestalt.modalities.graph import MODALITY, Graph
from gestalt.modalities.graph.encoders import Raw

from .moieties import Part, communities, rotatable_pieces, single_bond_pieces
from .solubility import from_vectors, rules, tuned
from .truth import Truth, numbered

COLUMNS = (
    Column("ARI", "moieties"),
    Column("mBO", "moieties"),
    Column("ARI to BRICS", "pieces"),
    Column("mBO to BRICS", "pieces"),
    Column("parts", "a molecule", higher_is_better=None, digits=1),
    Column("probe RMSE", "solubility", higher_is_better=False),
    Column("probe AUC", "solubility"),
    Column("tuned RMSE", "solubility", higher_is_better=False),
    Column("probe RMSE, few", "solubility", higher_is_better=False),
    Column("tuned RMSE, few", "solubility", higher_is_better=False),
    *(
        Column(f"scaffold {name}", "new scaffolds", higher_is_better=False)
        for name in ("probe RMSE", "tuned RMSE", "probe RMSE, few", "tuned RMSE, few")
    ),
)
NOTE = (
    "Moieties: ring systems, functional groups (a stated list of SMARTS) and the chains between them; pieces: what "
    "BRICS cuts. Adjusted Rand index over atoms, and mean best overlap, averaged over molecules. Solubility: root mean "
    "square error in log mol/L of ridge regression on frozen vectors (mean and sum over atoms); area under the ROC of "
    "logistic regression for the classes low, medium and high, each against the others; tuned: encoder and head "
    "trained together. The tuned random encoder is supervised training from scratch. Few: a tenth of the labels, the "
    "mean over three draws; new scaffolds: no molecule to be asked about shares its Bemis–Murcko scaffold with one to "
    "learn from. No molecule that is asked about was trained on."
)

FROM_SCRATCH = FineTuning(batch=64, lr=1e-3)
FROM_PRETRAINED = FineTuning(batch=64, lr=3e-4, sums=True, head="fitted", average=0.5)
"""How encoders are fine-tuned; chosen on validation molecules, each for its own start."""


def measure(
    predictions: Predictions, truth: Truth, steps: int, seed: int, start: FineTuning = FROM_PRETRAINED
) -> dict[str, float]:
    """All metrics of what a network found, and of what its vectors predict; `steps` of fine-tuning, 0 for none."""
    rows = parts_only(predictions, truth)
    if predictions.network is None:
        return rows
    encoder = predictions.network.encoder
    rows |= from_vectors(encoder, truth, seed)
    if not steps or not any(True for _ in encoder.parameters()):
        return rows
    return rows | tuned(encoder, truth, replace(start, steps=steps, warmup=min(10, steps), seed=seed), seed)


def parts_metrics(found: Int[Tensor, "items atoms"], truth: Truth) -> dict[str, float]:
    """How well the found parts are those of chemists."""
    width = truth.moieties.shape[1]
    if found.shape[1] < width:
        found = torch.nn.functional.pad(found, (0, width - found.shape[1]), value=-1)
    found = found[:, :width]
    count = torch.tensor([float(len(row[row >= 0].unique())) for row in found])
    return {
        "ARI": float(adjusted_rand_index(found, truth.moieties).mean()),
        "mBO": float(mean_best_overlap(found, truth.moieties).mean()),
        "ARI to BRICS": float(adjusted_rand_index(found, truth.pieces).mean()),
        "mBO to BRICS": float(mean_best_overlap(found, truth.pieces).mean()),
        "parts": float(count.mean()),
    }


def baselines(
    random: Network, finder: ObjectFinder, items: Sequence[Graph], truth: Truth, steps: int, seed: int
) -> dict[str, dict[str, float]]:
    """What needs no training: plain features, a random encoder, and the chemist's rules.

    `random` is the run's own network before training, `finder` the run's way of finding parts.
    """
    raw = Network(Raw())
    clusters = ObjectFinder(KMeans(6), "hidden")
    regions = finder if isinstance(finder.grouper, Regions) else replace(finder, grouper=Regions(1.5, 32))

    def found(network: Network, one: ObjectFinder) -> Predictions:
        return predictions_of(network, MODALITY, items, one)

    def by_rule(rule: Callable[[Any], list[Part]]) -> dict[str, float]:
        return parts_metrics(numbered([rule(molecule) for molecule in truth.molecules]), truth)

    # Plain features beside plain features are plain features: the learned part is set to nothing.
    plain = replace(regions, extra_features=ConcatFeatures(Raw(), 0.0))
    hidden = replace(regions, extra_features=None)
    rows = {
        "k-means on plain features": measure(found(raw, clusters), truth, 0, seed),
        "regions of plain features": measure(found(raw, plain), truth, 0, seed),
        "k-means on a random encoder": parts_only(found(random, clusters), truth),
        "regions of a random encoder": parts_only(found(random, hidden), truth),
        "random encoder, as the run finds parts": measure(found(random, finder), truth, steps, seed, FROM_SCRATCH),
        "rotatable bonds cut": by_rule(rotatable_pieces),
        "single bonds outside rings cut": by_rule(single_bond_pieces),
        "communities of bonds (Louvain)": by_rule(partial(communities, seed=seed)),
    }
    return rows | rules(truth, seed)


def parts_only(predictions: Predictions, truth: Truth) -> dict[str, float]:
    """The metrics of parts alone."""
    return parts_metrics(predictions.joined().found, truth)
