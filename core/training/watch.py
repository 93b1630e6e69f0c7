"""The collapse watch: numbers that show whether representations and objects are alive, and words when they are not."""

from typing import final

import torch
from torch import Tensor

from ..evaluation.spread import effective_rank, feature_spread
from ..methods.learner import Outcome

ROWS = 2048  # enough vectors to estimate a spread and a rank


@final
class CollapseWatch:
    """Measures every logged step, and warns once for each thing that goes wrong.

    Measured are, of the online network's vectors, the spread (1: they fill all directions evenly, 0: they are all the
    same) and the effective rank; the objects per item and the share of them present in both of the first two views;
    the share of clusters in use; the share of items compared as a whole because their correspondence is unknown.
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._told: set[str] = set()

    @torch.no_grad()
    def measure(self, outcome: Outcome) -> dict[str, float]:
        """The numbers of one step."""
        first, second = outcome.online[0], outcome.online[1]
        rows = first.vectors[first.present][:ROWS].float()
        either = (first.present | second.present).sum()
        both = (first.present & second.present).sum()
        segments = outcome.segmentation
        used = (segments.weights.sum(dim=2) > 0) & ~segments.whole[:, None]
        used[:, 0] |= segments.whole
        return {
            "spread": _number(feature_spread(rows)),
            "effective_rank": _number(effective_rank(rows)),
            "objects_per_item": _number(first.present.sum() / max(len(first.present), 1)),
            "shared_objects": _number(both / either.clamp(min=1)),
            "clusters_used": _number(used.float().mean()),
            "whole_items": _number(outcome.unknown.float().mean()),
        }

    def judge(self, step: int, metrics: dict[str, float], objects: int) -> list[str]:
        """New warnings in words; each is given once."""
        found = {
            "collapse": metrics["spread"] < 0.1
            and (
                f"the vectors of all objects are nearly the same (spread {metrics['spread']:.3f}, 1 is even): the "
                "representation is collapsing. Lower the learning rate, raise the teacher's decay, or use a larger "
                "batch; with regression, check that predictor and batch normalisation are in place"
            ),
            "rank": metrics["spread"] >= 0.1
            and metrics["effective_rank"] < 4
            and (
                f"the vectors use only about {metrics['effective_rank']:.1f} directions: the representation is "
                "collapsing to a few dimensions. Try more varied views, or contrast instead of regression"
            ),
            "shared": metrics["shared_objects"] < 0.2
            and (
                f"only {metrics['shared_objects']:.0%} of the objects are seen in both views, so little is compared. "
                "Let the views overlap more, or look for fewer and larger objects"
            ),
            "clusters": objects > 1
            and metrics["clusters_used"] * objects < 1.5
            and (
                "the grouper finds only one object per item: features within an item are all alike. "
                "Start from first segments and hand over later, or group hidden features instead of projections"
            ),
            "whole": metrics["whole_items"] > 0.5
            and (
                f"{metrics['whole_items']:.0%} of the items have views of unknown correspondence and are compared as "
                "a whole: little is learned about objects. Use views that know where their elements came from"
            ),
        }
        fresh = [f"step {step}: {text}" for kind, text in found.items() if text and kind not in self._told]
        self._told |= {kind for kind, text in found.items() if text}
        self.warnings += fresh
        return fresh


def _number(value: Tensor | float) -> float:
    return float(value)
