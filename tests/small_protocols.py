"""Every evaluation protocol, built small, and small data with everything that protocols ask for."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid, item_means
from gestalt.core.data.masks import ItemMasks
from gestalt.core.evaluation import FineTuning
from gestalt.core.evaluation.protocols import (
    AbstractProtocol,
    Clustering,
    DenseProbe,
    EvaluationData,
    FineTuned,
    ItemSource,
    Knn,
    LabelledVectors,
    LinearProbe,
    LowShotSvm,
    MaskedFeatures,
    Propagation,
    Segmenting,
    Shifted,
)
from gestalt.core.evaluation.splitting import Split, folds
from gestalt.core.methods.targets import AbstractTarget, Classes, Values
from gestalt.core.networks.encoder import AbstractEncoder
from tests.implementations import ENCODERS, ITEMS
from tests.toy import toy

PROTOCOLS: dict[str, AbstractProtocol] = {
    "knn": Knn((1, 5)),
    "probe": LinearProbe((0.5, 1.0)),
    "svm": LowShotSvm((1, 4), draws=2),
    "clustering": Clustering(draws=2),
    "fine-tuning": FineTuned((1.0,), FineTuning(steps=2, batch=8)),
    "dense-probe": DenseProbe(),
    "segmentation": Segmenting(draws=2),
    "propagation": Propagation(reach=2),
    "robustness": Shifted((1,), most=12),
}
"""By the names under which they are installed."""
NAMES = ("ant", "bee", "cat")


def labelled(
    vectors: Tensor,
    known: Tensor,
    groups: Tensor | None = None,
    splits: Sequence[Split] | None = None,
    target: AbstractTarget | None = None,
) -> LabelledVectors:
    """Rows that are items of their own, two folds, and classes or values, if nothing else is said."""
    groups = torch.arange(len(known)) if groups is None else groups
    if target is None:
        target = Values() if known.is_floating_point() else Classes(NAMES[: int(known.max()) + 1])
    parts = folds(known, groups, 2) if splits is None else tuple(splits)
    return LabelledVectors(vectors, target, known, groups, parts, torch.arange(len(known)))


def blobs(rows: int = 24, noise: float = 0.4, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Vectors around one direction for every class."""
    known = torch.arange(rows) % len(NAMES)
    chance = torch.Generator().manual_seed(seed)
    return torch.eye(5)[known] + noise * torch.randn(rows, 5, generator=chance), known


def clip(frames: int = 3, size: int = 4, dim: int = 4, seed: int = 0) -> MaskedFeatures:
    """A clip of random features with one object, which lies where it lay in the first frame."""
    chance = torch.Generator().manual_seed(seed)
    grid = Grid.uniform((frames, size, size), (1.0, 2.0, 2.0))
    values = torch.randn(1, grid.elements, dim, generator=chance)
    labels = torch.full((frames, 2 * size, 2 * size), -1)
    labels[:, :4, :4] = 0
    masks = ItemMasks(labels.flatten(), Grid.uniform((frames, 2 * size, 2 * size), (1.0, 1.0, 1.0)), ("thing",))
    return MaskedFeatures(FeatureMap(values, torch.ones(1, grid.elements, dtype=torch.bool), grid), masks, seed)


def source_of(items: Sequence[Tensor], encoder: AbstractEncoder) -> ItemSource[Tensor]:
    """Point clouds in memory."""
    modality = toy("points")
    return ItemSource(
        lambda number: items[number],
        modality.collate,
        encoder,
        item_means,
        modality.views.views[0],
        modality.transforms,
    )


def small_data(values: bool = False) -> EvaluationData[Any]:
    """Everything that protocols may ask for; items are point clouds seen by a small encoder."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = ENCODERS["points"]().eval()
    items = ITEMS["points"](24)
    with torch.no_grad():
        vectors = torch.cat([item_means(encoder(toy("points").collate([item]))) for item in items])
    _, known = blobs()
    rows = labelled(vectors, known.float()[:, None] if values else known)
    elements = labelled(*blobs(48), groups=torch.arange(48) // 4)
    return EvaluationData(rows, elements, lambda: [clip(seed=0), clip(seed=1)], source_of(items, encoder))
