"""Which discovered objects are like the quietest part of their item."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..components.ranges import Between, PositiveShare, Weight, check_ranges
from ..data.feature_map import FeatureMap
from ..data.resampling import averaged
from ..data.segmentation import Segmentation
from ..losses.distances import unit
from .background import AbstractBackgroundRemover, lowest, median_of


@final
@dataclass(frozen=True)
class AlikeQuiet(AbstractBackgroundRemover):
    """Takes out what was learned to be like the quietest part of an item.

    The median of the unit vectors of the least salient elements is the prototype p of the background. An object of
    mean unit vector μ is background where 1 − ⟨μ, p⟩ / (‖μ‖ ‖p‖) is below `reach`. Where `RemoveBackground` compares
    plain features in units of their spread, this compares learned directions.

    What is learned of a few elements beside an object may say more of the object than of them, since an encoder sees
    its neighbourhood. With `above`, an object is background, too, if its mean salience in no number lies more than that
    over the mean of the quietest part. With `divided`, the item itself says how much that is, at least `above`: the
    threshold that divides what elements lie over the quietest part, in the number in which they do most, into two
    classes of the least variance within (Otsu 1979).

    Args:
        salience: numbers per element for a batch of items, such as the loudness of bands; the mean of them says which
            elements are the least salient.
        quiet: share of the elements, the least salient ones, that the prototype is taken from.
        reach: cosine distance from the prototype within which objects are background.
        above: in the unit of the salience; None asks for nothing.
        divided: `above` is the least, and follows from each item.
    """

    salience: Callable[[Any], FeatureMap]
    quiet: PositiveShare = 0.25
    reach: Annotated[float, Between(0.0, 2.0)] = 0.4
    above: Weight | None = None
    divided: bool = False

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.divided and self.above is None:
            raise ValueError("divided=True says from which salience on objects stay, at least `above`, got above=None")

    @torch.no_grad()
    def look(self, data: Any, features: FeatureMap) -> Float[Tensor, "batch elements numbers"]:
        """The salience of every element, infinite where it is not known."""
        found = self.salience(data).on_elements_of(features, missing=torch.inf).float()
        return found.mean(dim=-1, keepdim=True) if self.above is None else found

    @torch.no_grad()
    def remove(
        self, segmentation: Segmentation, features: FeatureMap, seen: Float[Tensor, "batch elements numbers"]
    ) -> Segmentation:
        """The same segments with weight 0 on the background."""
        values = unit(features.values)
        quiet = lowest(seen.mean(dim=-1), features.valid, self.quiet)
        prototype = unit(median_of(values, quiet))
        objects = averaged(segmentation, features).pool(features.with_values(values))
        distance = (1 - (unit(objects.vectors) * prototype).sum(dim=-1)).clamp(min=0)
        stays = (distance >= self.reach) & objects.present
        if self.above is not None:
            stays &= _louder(segmentation, features, seen, quiet, self.above, self.divided)
        weights = segmentation.weights * stays[..., None]
        return Segmentation(weights, segmentation.places, segmentation.whole)


def _louder(
    segmentation: Segmentation,
    features: FeatureMap,
    seen: Float[Tensor, "batch elements numbers"],
    quiet: Bool[Tensor, "batch elements"],
    above: float,
    divided: bool,
) -> Bool[Tensor, "batch objects"]:
    """Which objects lie more than `above`, or what divides the elements, over the quiet part in some number."""
    over = over_quiet(seen, quiet)
    found = averaged(segmentation, features).pool(features.with_values(over)).vectors
    least = dividing(over.amax(dim=-1), features.valid).clamp(min=above)[:, None, None] if divided else above
    return (found > least).any(dim=-1)


def over_quiet(
    seen: Float[Tensor, "batch elements numbers"], quiet: Bool[Tensor, "batch elements"]
) -> Float[Tensor, "batch elements numbers"]:
    """How far every number lies over its mean over the quiet elements; numbers that are not known count as 0.

    Example:
        >>> over_quiet(torch.tensor([[[1.0], [3.0], [7.0]]]), torch.tensor([[True, True, False]])).flatten().tolist()
        [-1.0, 1.0, 5.0]
    """
    known = torch.where(seen.isfinite(), seen, 0.0)
    share = quiet[..., None] / quiet.sum(dim=1).clamp(min=1)[:, None, None]
    return known - (known * share).sum(dim=1, keepdim=True)


def dividing(values: Float[Tensor, "batch elements"], valid: Bool[Tensor, "batch elements"]) -> Float[Tensor, " batch"]:
    """Otsu's threshold of every item, without a histogram: between the sorted values i and i + 1 of n for which

    i (n − i) (m₁ − m₀)² is greatest, m₀ and m₁ the means below and above. An item of one value, or of equal ones, is
    not divided: its threshold is that value.

    Source: Otsu, "A threshold selection method from gray-level histograms" (1979).

    Example:
        >>> values = torch.tensor([[0.0, 0.2, 5.0, 0.1, 5.2, 9.0]])
        >>> dividing(values, torch.tensor([[True] * 5 + [False]])).tolist()
        [2.5999999046325684]
    """
    if not values.shape[1]:
        return values.new_zeros(len(values))
    ordered = torch.where(valid, values.float(), torch.inf).sort(dim=1).values
    count = valid.sum(dim=1, keepdim=True)
    there = torch.arange(values.shape[1], device=values.device) < count
    # Sums in single precision, since not every device has double: of what is left when the mean is taken out.
    mean = torch.where(there, ordered, 0.0).sum(dim=1, keepdim=True) / count.clamp(min=1)
    sums = torch.where(there, ordered - mean, 0.0).cumsum(dim=1)
    below = torch.arange(1, values.shape[1] + 1, device=values.device)
    rest = count - below
    apart = sums / below - (sums[:, -1:] - sums) / rest.clamp(min=1)
    between = torch.where(rest > 0, below * rest * apart.square(), -1.0)
    first = between.argmax(dim=1, keepdim=True)
    second = torch.minimum(first + 1, (count - 1).clamp(min=0))
    threshold = (ordered.gather(1, first) + ordered.gather(1, second))[:, 0] / 2
    return torch.where(count[:, 0] > 0, threshold, 0.0).to(values.dtype)
