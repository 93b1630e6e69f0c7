"""How the objects of a run are to follow from clusters over a data set."""

from dataclasses import dataclass
from typing import Annotated, Literal, final

from ..components.ranges import Between, Count, Positive, Share, check_ranges


@final
@dataclass(frozen=True)
class Regrouping:
    """How objects follow from clusters of the elements of all items."""

    foreground: Literal["found", "plain", "attention"] | None = None
    """Clusters that overlap a noisy foreground least become background. It is what the run finds, or where plain
    features are great (loud, bright), or where the encoder pays attention; none: all clusters are foreground, unless
    the run's background is by clusters already."""
    clusters: Count | None = None
    """How many clusters; none: 200 with a foreground, 150 without."""
    background: Share = 0.65
    """Share of the clusters that is background, with a foreground."""
    quiet: Share = 0.5
    """Share of the elements of an item, the least ones, that a foreground by plain features or attention leaves out."""
    communities: bool = True
    """Whether clusters that lie beside one another in many items are merged: they are the objects then, in place of
    those of the run's grouper."""
    threshold: Share = 0.09
    """How often two clusters lie beside one another, at least, that belong together."""
    resolution: Positive = 1.0
    """Of the communities; more makes them smaller."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.foreground is None and not self.communities:
            raise ValueError(
                "nothing would change: choose a foreground (--foreground found, plain or attention), or communities "
                "(--communities)"
            )
