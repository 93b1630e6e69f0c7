"""One training step of masked prediction, whatever is hidden, seen in its place, and predicted."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from ...data.feature_map import FeatureMap
from ...data.item_noise import ItemNoise
from ...data.segmentation import Segmentation
from ...data.view import Batch, View
from ...discovery.finder import ObjectFinder
from ...discovery.segmenters.base import AbstractSegmenter
from ...discovery.segmenters.discovery import HasFinder
from ...distributed.ranks import mean_over_ranks
from ...networks.encoder import Network
from ...networks.two_steps import InTwoSteps
from ...optimization.after_step import AfterStep
from ...optimization.progress import Progress
from ..compared import Compared, health_of
from ..compared_items import compared_items
from ..step import AbstractLearner, StepOutput
from .decoder import MaskedDecoder
from .hiding.base import AbstractHiding, Hidden, hide
from .targets.base import AbstractMaskedTarget
from .token import MaskToken


@final
class MaskedLearner(AbstractLearner[Compared]):
    """Hides elements between the two steps of an encoder, and predicts what they are from what is left.

    L = mean over hidden elements i of error(decoder(f(x without what is hidden))_i, t_i)

    Args:
        online: the network that is trained; its encoder is in two steps.
        hiding: which elements are hidden.
        target: t, what is predicted of them.
        decoder: from the network's vectors to predictions.
        token: what the network sees in the place of hidden elements; None: it sees nothing there.
        segmenter: finds the objects that are hidden as a whole; None where none are.
        sees: the source itself, or each view of it on its own.

    Raises:
        ValueError: if the encoder has one step alone, or a linear decoder has nothing to look at in hidden places.
    """

    def __init__(
        self,
        online: Network,
        hiding: AbstractHiding,
        target: AbstractMaskedTarget,
        decoder: MaskedDecoder,
        token: MaskToken | None = None,
        segmenter: AbstractSegmenter | None = None,
        sees: Literal["source", "views"] = "source",
    ) -> None:
        super().__init__()
        if not isinstance(online.encoder, InTwoSteps):
            raise ValueError(f"masked prediction needs an encoder in two steps, got {type(online.encoder).__name__}")
        if token is None and not decoder.depth:
            raise ValueError(
                "without mask tokens the network gives no vector at hidden places: give the decoder at least one block"
            )
        self.online = online
        self.hiding = hiding
        self.target = target
        self.decoder = decoder
        self.token = token
        self.segmenter = segmenter
        self.sees = sees

    def forward(self, batch: Batch[Any], generator: torch.Generator, progress: Progress) -> StepOutput[Compared]:
        """Hide, encode, predict. Nothing is updated here."""
        noise = ItemNoise.of(batch.index, generator)
        with torch.no_grad():
            objects: Segmentation | None = None if self.segmenter is None else self.segmenter(batch, generator)
        views = (batch.source,) if self.sees == "source" else batch.views
        errors: list[Tensor] = []
        shares: list[Tensor] = []
        seen: list[FeatureMap] = []
        for number, view in enumerate(views):
            of_view, features, hidden = self._view(view, noise.other(number), objects)
            errors.append(of_view)
            seen.append(FeatureMap(features.values, hidden.visible))
            shares.append(hidden.groups.any(dim=1).sum() / features.valid.sum().clamp(min=1))
        rows = torch.cat(errors)
        loss = mean_over_ranks(rows.sum(), torch.tensor(len(rows), device=rows.device))
        metrics = {"masked": loss.detach(), "hidden_share": torch.stack(shares).mean()}
        return StepOutput(loss, metrics, compared_items(batch, seen, generator, progress))

    def _view(
        self, view: View[Any], noise: ItemNoise, objects: Segmentation | None
    ) -> tuple[Tensor, FeatureMap, Hidden]:
        """The error of every hidden element of a view, what the network saw, and what was hidden."""
        encoder = self.online.encoder
        assert isinstance(encoder, InTwoSteps)
        tokens = encoder.embed(view.data)
        own = None
        if objects is not None:
            own = objects.falling_back(~view.correspondence.known).seen_from(view.correspondence, tokens)
        hidden = hide(self.hiding, tokens, noise.other(0), own)
        wanted = self.target.wanted(self.online.encoder, view.data, tokens.with_values(tokens.values.detach()))
        if self.token is None:
            seen = encoder.mix(tokens, hidden.visible)
        else:
            seen = encoder.mix(self.token(tokens, hidden.groups.any(dim=1), noise.other(1)))
        errors = [self._errors(seen, hidden, places, wanted) for places in hidden.groups.unbind(dim=1)]
        return torch.cat(errors), seen, hidden

    def _errors(self, seen: FeatureMap, hidden: Hidden, places: Tensor, wanted: Tensor) -> Tensor:
        """Of one group of hidden elements."""
        predicted = self.decoder(seen, hidden.visible, places)
        with torch.autocast(places.device.type, enabled=False):  # losses are in float32
            return self.target.error(predicted, wanted[places])

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:
        """The target's follower follows, then whatever finds objects."""
        for part in (self.target, self.segmenter):
            if isinstance(part, AfterStep):
                part.after_step(outputs, progress)

    @property
    def finder(self) -> ObjectFinder | None:  # type: ignore[override]
        """How the segmenter finds objects, None where it does not."""
        return self.segmenter.finder if isinstance(self.segmenter, HasFinder) else None

    def health(self, output: StepOutput[Compared]) -> dict[str, float]:
        """Spread and rank of the means of what was visible of each item."""
        return health_of(output.details)

    def heads(self) -> Mapping[str, nn.Module]:
        """The decoder, and the mask token where there is one."""
        found: dict[str, nn.Module] = {"projector": self.online.projector, "decoder": self.decoder}
        return found if self.token is None else found | {"mask_token": self.token}
