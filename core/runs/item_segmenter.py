"""The trained discovery network used for itself: from an item to its objects, at the input's own resolution."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, final

import torch

from ..components.settings import settings_of
from ..discovery.concat_features import ConcatFeatures
from ..networks.encoder import AbstractEncoder, Network
from ..data.feature_map import Grid
from ..discovery.background import AbstractBackgroundRemover, RemoveBackground
from ..discovery.groupers import AbstractGrouper, describe, grouper_from
from ..methods.learner import Learner
from ..modality.base import AbstractModality
from ..networks.modes import evaluating
from ..data.resampling import resampled
from .saved import CONFIG, load_network, modality_of
from ..data.segmentation import Segmentation
from ..discovery.segmenters import Discovery, SwitchAt, discover

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class Grouping:
    """How objects are found in a network's features; as the arguments of `Discovery`."""

    grouper: AbstractGrouper
    space: Literal["projected", "hidden"] = "projected"
    background: AbstractBackgroundRemover | None = None
    extra_features: ConcatFeatures | None = None

    def described(self, modality: AbstractModality[Any]) -> dict[str, Any] | None:
        """JSON from which `described_grouping` builds it again; None where that is impossible.

        It is possible for the package's own groupers and background, with the modality's raw features as plain ones.
        """
        raw, foreground = modality.encoders["raw"](), self.background
        if background is not None and not isinstance(background, RemoveBackground):
            return None
        plain = [part for part in (background and foreground.salience, self.extra_features and self.extra_features.plain) if part]
        if not all(isinstance(part, AbstractEncoder) and _alike(part, raw) for part in plain):
            return None
        try:
            grouper = describe(self.grouper)
        except TypeError:
            return None
        background = background and {"quiet": foreground.quiet, "reach": foreground.reach}
        beside = self.extra_features and {"weight": self.extra_features.weight}
        return {"grouper": grouper, "space": self.space, "foreground": background, "beside": beside}


def _alike(one: AbstractEncoder, other: AbstractEncoder) -> bool:
    return type(one) is type(other) and settings_of(one) == settings_of(other)


def described_grouping(fields: Mapping[str, Any], modality: AbstractModality[Any]) -> Grouping:
    """The grouping of a description."""
    raw = modality.encoders["raw"]()
    background, beside = fields["foreground"], fields["beside"]
    return Grouping(
        grouper_from(fields["grouper"]),
        fields["space"],
        None if background is None else RemoveBackground(raw, **background),
        None if extra_features is None else ConcatFeatures(raw, **extra_features),
    )


@final
@dataclass(frozen=True)
class ItemSegmenter(Generic[ItemT]):
    """item → its objects. Call it with one item in the form in which its modality reads it.

    The network's own elements are coarse; their weights are interpolated onto the elements of the modality's raw
    features, or onto any lattice that is passed. Sets keep their elements. The same item gives the same objects.

    Source: Odin, [0097] and claim 17.
    """

    modality: AbstractModality[ItemT]
    network: Network
    grouping: Grouping
    seed: int = 0

    @torch.no_grad()
    def __call__(self, item: ItemT, grid: Grid | None = None) -> Segmentation:
        """Soft segments of one item, `labels()` for hard ones. Where most of the weight is of no object, none is."""
        device = next(iter(self.network.parameters()), torch.zeros(())).device
        data = self.modality.collate([item]).to(device)
        generator = torch.Generator().manual_seed(self.seed)
        how = self.grouping
        found = discover(self.network, data, how.grouper, generator, how.space, how.background, how.extra_features)
        if grid is None:
            raw = self.modality.encoders["raw"]().to(device)
            with evaluating(raw):
                grid = raw(data).grid
        if grid is None or found.grid is None:
            return found
        fine = resampled(found, grid)
        nothing = 1 - fine.weights.sum(dim=1, keepdim=True)
        kept = fine.weights.amax(dim=1, keepdim=True) >= nothing
        return Segmentation(fine.weights * kept, fine.grid, fine.whole)


def segmenter_of(learner: Learner, modality: AbstractModality[ItemT]) -> ItemSegmenter[ItemT]:
    """The discovery network of a learner, as it is now.

    Raises:
        ValueError: if the learner discovers no objects.
    """
    segmenter = learner.segmenter.then if isinstance(learner.segmenter, SwitchAt) else learner.segmenter
    if not isinstance(segmenter, Discovery):
        raise ValueError(
            f"this learner compares what {type(segmenter).__name__} gives it and discovers nothing; "
            "build the segmenter from its online network and a grouper: ItemSegmenter(modality, network, Grouping(…))"
        )
    grouping = Grouping(segmenter.grouper, segmenter.space, segmenter.background, segmenter.extra_features)
    return ItemSegmenter(modality, segmenter.network.network, grouping)


def load_segmenter(
    folder: Path | str,
    device: torch.device | str = "cpu",
    modality: AbstractModality[Any] | str | None = None,
    grouping: Grouping | None = None,
) -> ItemSegmenter[Any]:
    """The segmenter of a finished run: its network with its way of grouping, or with another one.

    The weights are those of the online network at the end of training, which a last copy would give to the discovery
    network. `modality` is needed where the run's own is not installed.

    Raises:
        FileNotFoundError: if the folder is no finished run.
        ValueError: if it is damaged, or its grouping was not written down and none is passed.
    """
    kind = modality_of(folder, modality)
    network, architecture = load_network(folder, device, kind)
    if grouping is None:
        if architecture.grouping is None:
            raise ValueError(
                f"{Path(folder) / CONFIG} does not say how objects are found; "
                "pass it: load_segmenter(…, grouping=Grouping(KMeans(objects=16)))"
            )
        grouping = described_grouping(architecture.grouping, kind)
    return ItemSegmenter(kind, network, grouping)
