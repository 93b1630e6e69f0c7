"""How good is the encoder as a start? Encoder and a linear head trained together on labelled items."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar, final

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.optim import AdamW

from ..components.ranges import Between, Count, CountOrNone, Positive, Weight, check_ranges
from ..data.feature_map import FeatureMap, item_means, item_means_and_sums
from ..data.segmentation import Segmentation
from ..methods.targets import AbstractTarget, any_known, standardised
from ..modality.transform import AbstractTransform
from ..networks.encoder import AbstractEncoder
from ..networks.modes import evaluating
from ..networks.norm import MaskedBatchNorm
from ..optimization.parameter_groups import SHARE, parameter_groups
from ..optimization.schedules import warmup_cosine
from .fitted_head import fitted_head
from .probe import known_sides
from .vectors import device_of

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class FineTuning:
    """How encoder and head are trained: AdamW with warm-up and a half cosine, as the training loop does.

    The learning rate of the encoder is `lr · encoder_scale`; 0 freezes it, in evaluation mode. A short schedule with
    the encoder at full rate is our choice for small data; SimCLR and SemPPL sweep the rate on validation data.

    A head that is `fitted` begins as the linear probe of the frozen encoder, and running statistics stay as
    pre-training left them: training begins where the probe ends, so that a good start is not forgotten while a head is
    found.

    Source: a fitted head: LP-FT, Kumar et al., "Fine-tuning can distort pretrained features" (2022); averaged weights:
    Izmailov et al., "Averaging weights leads to wider optima and better generalization" (2018).
    """

    steps: Count = 200
    batch: Count = 32
    lr: Positive = 3e-3
    encoder_scale: Weight = 1.0
    weight_decay: Weight = 1e-4
    warmup: CountOrNone = 10
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    sums: bool = False
    """An item is to the head the mean of its elements and their sum, where it matters how large it is."""
    head: Literal["fresh", "fitted"] = "fresh"
    """The head begins at zero, or as the linear probe of the frozen encoder."""
    average: Annotated[float, Between(0.0, 1.0)] = 0.0
    """The weights are averaged over this last share of the steps; 0 takes those of the last step."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class Tuned(nn.Module, Generic[ItemT]):
    """An encoder with a linear head on the mean of every item's elements, or on every element."""

    def __init__(
        self,
        encoder: AbstractEncoder,
        target: AbstractTarget,
        collate: Callable[[Sequence[ItemT]], Any],
        of: Literal["items", "elements"],
        options: FineTuning,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.sums = options.sums and of == "items"
        width = 2 * encoder.dim if self.sums else encoder.dim
        linear = nn.Linear(width, target.outputs)
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
        self.head = nn.Sequential(MaskedBatchNorm(width), linear)
        self.target, self.collate, self.of, self.frozen = target, collate, of, options.encoder_scale == 0

    def forward(
        self, items: Sequence[ItemT], known: Shaped[Tensor, "items ..."]
    ) -> tuple[Float[Tensor, "rows outputs"], Shaped[Tensor, "rows ..."]]:
        """The head's outputs where something is known, and what that is."""
        vectors, rows = self.vectors(items, known)
        outputs: Tensor = self.head(vectors)
        return outputs.float(), rows

    def vectors(
        self, items: Sequence[ItemT], known: Shaped[Tensor, "items ..."]
    ) -> tuple[Float[Tensor, "rows dim"], Shaped[Tensor, "rows ..."]]:
        """What the head is given where something is known, and what that is."""
        device = device_of(self.encoder)
        features = self._features(self.collate(items).to(device))
        if self.of == "items":
            means = item_means_and_sums(features) if self.sums else item_means(features)
            vectors, segments = means[:, None], Segmentation.whole_items(len(items), device)
        else:
            vectors, segments = features.values, Segmentation.every_element(features)
        rows = self.target.of_objects(known.to(device), segments)
        there = any_known(rows, axes=2)
        return vectors[there], rows[there]

    def fit_head(self, items: Sequence[ItemT], known: Shaped[Tensor, "items ..."], chunk: int = 64) -> None:
        """Let the head be the linear probe of the encoder as it is, its penalty chosen by cross-validation."""
        with evaluating(self):
            places = [slice(start, start + chunk) for start in range(0, len(items), chunk)]
            parts = [self.vectors(items[place], known[place]) for place in places]
        vectors, rows = (torch.cat([part[side].cpu() for part in parts]) for side in (0, 1))
        norm, linear = self.head
        assert isinstance(norm, MaskedBatchNorm)
        assert isinstance(linear, nn.Linear)
        head = fitted_head(vectors.double(), self.target, rows)
        with torch.no_grad():
            for tensor, value in (
                (norm.mean, head.mean),
                (norm.variance, head.scale.square()),
                (linear.weight, head.weight),
                (linear.bias, head.bias),
            ):
                tensor.copy_(value.to(tensor))

    def _features(self, data: Any) -> FeatureMap:
        if not self.frozen:
            features: FeatureMap = self.encoder(data)
            return features
        with evaluating(self.encoder):
            frozen: FeatureMap = self.encoder(data)
        return frozen

    def score(self, items: Sequence[ItemT], known: Shaped[Tensor, "items ..."], chunk: int = 64) -> dict[str, float]:
        """The target's score, in evaluation mode."""
        return self.target.score(*self.outputs(items, known, torch.arange(len(items)), chunk))

    def outputs(
        self,
        items: Sequence[ItemT],
        known: Shaped[Tensor, "items ..."],
        asked: Int[Tensor, " asked"],
        chunk: int = 64,
    ) -> tuple[Float[Tensor, "rows outputs"], Shaped[Tensor, "rows ..."]]:
        """What the head says of the items that are asked about, in evaluation mode, and what is known of them."""
        with evaluating(self):
            parts = [self([items[row] for row in some.tolist()], known[some]) for some in asked.split(chunk)]
        outputs, rows = (torch.cat([part[side].cpu() for part in parts]) for side in (0, 1))
        return outputs, rows


def fine_tune(
    encoder: AbstractEncoder,
    items: Sequence[ItemT],
    target: AbstractTarget,
    known: Shaped[Tensor, "items ..."],
    train: Int[Tensor, " train"],
    test: Int[Tensor, " test"],
    collate: Callable[[Sequence[ItemT]], Any],
    options: FineTuning | None = None,
    transform: AbstractTransform[ItemT] | None = None,
    of: Literal["items", "elements"] = "items",
) -> dict[str, float]:
    """Train a copy of the encoder with a linear head by the target's loss on `train`, and score it on `test`.

    With a fresh encoder this is supervised training from scratch. The encoder itself is not changed. A target with
    units, such as values, is standardised by the training items, and scored in its own unit.

    Args:
        encoder: the start.
        items: items in their native form.
        target: what is predicted.
        known: what is known of every item, or of its elements, in the target's form; what is unknown takes no part.
        train: numbers of the items to learn from.
        test: numbers of the items to be asked about.
        collate: the modality's.
        options: how to train.
        transform: augmentation of the training items, drawn anew every time; None trains on them as they are.
        of: predict from the mean of an item's elements, or from every element.

    Raises:
        ValueError: if no labelled item is left on a side, an item is on both, or elements are to be predicted from
            transformed items: what is known of elements is known of those of the item itself.

    Source: the protocol of SimCLR and SemPPL at 1 % and 10 % of the labels.
    """
    tuned = fine_tuned(encoder, items, target, known, train, test, collate, options, transform, of)
    _, ask = known_sides(known, train, test, "fine-tuning")
    return tuned.score([items[row] for row in ask.tolist()], known[ask])


def fine_tuned(
    encoder: AbstractEncoder,
    items: Sequence[ItemT],
    target: AbstractTarget,
    known: Shaped[Tensor, "items ..."],
    train: Int[Tensor, " train"],
    test: Int[Tensor, " test"],
    collate: Callable[[Sequence[ItemT]], Any],
    options: FineTuning | None = None,
    transform: AbstractTransform[ItemT] | None = None,
    of: Literal["items", "elements"] = "items",
) -> Tuned[ItemT]:
    """The encoder's copy with its head, trained; arguments and errors are those of `fine_tune`."""
    if of == "elements" and transform is not None:
        raise ValueError("what is known of elements is known of those of the item itself: leave out the transform")
    learn, _ = known_sides(known, train, test, "fine-tuning")
    target, options = standardised(target, known[learn]), options or FineTuning()
    rng = np.random.default_rng(options.seed)
    size, order = min(options.batch, len(learn)), np.empty(0, dtype=np.int64)
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(options.seed)  # the head, dropout and the like
        tuned: Tuned[ItemT] = Tuned(copy.deepcopy(encoder), target, collate, of, options).to(device_of(encoder))
        if options.head == "fitted":
            tuned.fit_head([items[row] for row in learn.tolist()], known[learn])
        tuned.train(options.head == "fresh")
        optimizer, scales = _optimizer(tuned, options)
        averaged, first = WeightAverage(tuned), options.steps - round(options.average * options.steps)
        for step in range(options.steps):
            if len(order) < size:
                order = rng.permutation(len(learn))
            chosen, order = learn[order[:size]], order[size:]
            picked = [items[row] for row in chosen.tolist()]
            picked = picked if transform is None else [transform(item, rng)[0] for item in picked]
            outputs, rows = tuned(picked, known[chosen])
            value = target.loss(outputs, rows).sum() / max(len(rows), 1)
            rate = options.lr * warmup_cosine(step + 1, options.steps, options.warmup)
            for group, scale in zip(optimizer.param_groups, scales, strict=True):
                group["lr"] = rate * scale
            optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(tuned.parameters(), 5.0)
            optimizer.step()
            if step >= first:
                averaged.add()
        averaged.take()
    return tuned


@final
class WeightAverage:
    """The mean of a module's weights and running statistics over the steps at which it was asked to look.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> average = WeightAverage(layer)
        >>> for value in (1.0, 3.0):
        ...     _ = layer.bias.data.fill_(value)
        ...     average.add()
        >>> average.take()
        >>> layer.bias.item()
        2.0
    """

    def __init__(self, module: nn.Module) -> None:
        self.tensors = [tensor for tensor in (*module.parameters(), *module.buffers()) if tensor.is_floating_point()]
        self.sums: list[Tensor] = []
        self.count = 0

    @torch.no_grad()
    def add(self) -> None:
        """Look at the module."""
        if not self.count:
            self.sums = [torch.zeros_like(tensor) for tensor in self.tensors]
        self.count += 1
        for total, tensor in zip(self.sums, self.tensors, strict=True):
            total.lerp_(tensor, 1 / self.count)

    @torch.no_grad()
    def take(self) -> None:
        """Put the mean into the module, if it was ever looked at."""
        for tensor, mean in zip(self.tensors, self.sums, strict=bool(self.count)):
            tensor.copy_(mean)


def _optimizer(tuned: Tuned[Any], options: FineTuning) -> tuple[AdamW, list[float]]:
    """The optimiser, and the share of the learning rate of each of its groups."""
    groups, scales = parameter_groups(tuned.head, options.weight_decay), [1.0, 1.0]
    if not tuned.frozen:
        of_encoder = parameter_groups(tuned.encoder, options.weight_decay)
        groups += of_encoder
        scales += [options.encoder_scale * group.get(SHARE, 1.0) for group in of_encoder]
    for group in groups:
        del group["adapt"]
    return AdamW(groups, options.lr), scales
