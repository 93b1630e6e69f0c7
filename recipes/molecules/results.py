"""The table: every way of cutting molecules, and of predicting their solubility, on the same molecules."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.discovery.groupers import KMeans
from gestalt.core.evaluation import Column, adjusted_rand_index, mean_best_overlap
from gestalt.core.experiment import Finder, Predictions, look
from gestalt.core.networks.encoder import Network
from gestalt.modalities.graph import MODALITY, Graph

from .finding import FinderOptions
from .material import Truth, numbered
from .moieties import communities, rotatable_pieces, single_bond_pieces
from .solubility import fingerprints, from_vectors, tuned

COLUMNS = (
    Column("ARI", "moieties"),
    Column("mBO", "moieties"),
    Column("ARI to BRICS", "pieces"),
    Column("mBO to BRICS", "pieces"),
    Column("parts", "a molecule", higher_is_better=None, digits=1),
    Column("probe RMSE", "solubility", higher_is_better=False),
    Column("probe AUC", "solubility"),
    Column("tuned RMSE", "solubility", higher_is_better=False),
)
NOTE = (
    "Moieties: ring systems, functional groups (a stated list of SMARTS) and the chains between them; pieces: what "
    "BRICS cuts. Adjusted Rand index over atoms, and mean best overlap, averaged over molecules. Solubility: root mean "
    "square error in log mol/L of ridge regression on frozen vectors (mean and sum over atoms); area under the ROC of "
    "logistic regression for the classes low, medium and high, each against the others; tuned: encoder and head "
    "trained together. The tuned random encoder is supervised training from scratch."
)


def measure(looked: Predictions, truth: Truth, steps: int, seed: int) -> dict[str, float]:
    """All metrics of what a network saw, and of what can be told from its vectors."""
    found = looked.joined().found
    rows = parts_metrics(found, truth)
    if looked.network is None:
        return rows
    encoder = looked.network.encoder
    rows |= from_vectors(encoder, truth)
    return rows | (tuned(encoder, truth, steps, seed) if steps and any(True for _ in encoder.parameters()) else {})


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
    random: Network, finding: FinderOptions, items: Sequence[Graph], truth: Truth, steps: int, seed: int
) -> dict[str, dict[str, float]]:
    """What needs no training: plain features, a random encoder, and the chemist's rules.

    `random` is the run's own network before training.
    """
    raw = Network(MODALITY.encoders["raw"]())

    def tried(network: Network, finder: Finder, steps: int = 0) -> dict[str, float]:
        return measure(look(network, MODALITY, items, finder), truth, steps, seed)

    plain, hidden = replace(finding, learned=0.0, plain=True), replace(finding, plain=False)
    rows = {
        "k-means on plain features": tried(raw, Finder(KMeans(6), "hidden")),
        "regions of plain features": tried(raw, plain.build()),
        "k-means on a random encoder": parts_only(look(random, MODALITY, items, Finder(KMeans(6), "hidden")), truth),
        "regions of a random encoder": parts_only(look(random, MODALITY, items, hidden.build()), truth),
        "random encoder, as the run finds parts": tried(random, finding.build(), steps),
        "rotatable bonds cut": parts_metrics(numbered([rotatable_pieces(one) for one in truth.molecules]), truth),
        "single bonds outside rings cut": parts_metrics(
            numbered([single_bond_pieces(one) for one in truth.molecules]), truth
        ),
        "communities of bonds (Louvain)": parts_metrics(
            numbered([communities(one, seed) for one in truth.molecules]), truth
        ),
    }
    return rows | fingerprints(truth, seed)


def parts_only(looked: Predictions, truth: Truth) -> dict[str, float]:
    """The metrics of parts alone."""
    return parts_metrics(looked.joined().found, truth)
