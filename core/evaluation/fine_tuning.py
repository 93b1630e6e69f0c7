"""How good is the encoder as a start? Encoder and a linear head trained together on labelled items."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.optim import AdamW

from ..data.feature_map import item_means
from ..modality.transform import AbstractTransform
from ..networks.encoder import AbstractEncoder
from ..networks.modes import evaluating
from ..networks.norm import MaskedBatchNorm
from ..optimization.parameter_groups import parameter_groups
from ..optimization.schedules import warmup_cosine
from .probe import ClassScore, ValueScore, class_score, sides, value_score
from .vectors import device_of

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class FineTuning:
    """How encoder and head are trained: AdamW with warm-up and a half cosine, as the training loop does.

    The learning rate of the encoder is `lr · encoder_scale`; 0 freezes it, in evaluation mode. A short schedule with
    the encoder at full rate is our choice for small data; SimCLR and SemPPL sweep the rate on validation data.
    """

    steps: int = 200
    batch: int = 32
    lr: float = 3e-3
    encoder_scale: float = 1.0
    weight_decay: float = 1e-4
    warmup: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1 or self.lr <= 0 or self.encoder_scale < 0:
            raise ValueError(f"steps, batch and lr must be positive and encoder_scale at least 0, got {self}")


@final
class Tuned(nn.Module, Generic[ItemT]):
    """An encoder with a head on the mean of every item's elements: outputs · scale + shift."""

    def __init__(
        self, encoder: AbstractEncoder, outputs: int, collate: Callable[[Sequence[ItemT]], Any], frozen: bool
    ) -> None:
        super().__init__()
        self.encoder = encoder
        linear = nn.Linear(encoder.dim, outputs)
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
        self.head = nn.Sequential(MaskedBatchNorm(encoder.dim), linear)
        self.collate = collate
        self.frozen = frozen

    def forward(self, items: Sequence[ItemT]) -> Float[Tensor, "items outputs"]:
        """The head's outputs for items in their native form."""
        data = self.collate(items).to(device_of(self.encoder))
        if not self.frozen:
            return cast(Tensor, self.head(item_means(self.encoder(data))))
        with evaluating(self.encoder):
            means = item_means(self.encoder(data))
        return cast(Tensor, self.head(means))

    def predict(self, items: Sequence[ItemT], chunk: int = 64) -> Float[Tensor, "items outputs"]:
        """Outputs in evaluation mode, on the CPU."""
        with evaluating(self):
            rows = [self(items[start : start + chunk]).float().cpu() for start in range(0, len(items), chunk)]
        return torch.cat(rows)


def fine_tune_classes(
    encoder: AbstractEncoder,
    items: Sequence[ItemT],
    labels: Int[Tensor, " items"],
    train: Int[Tensor, " train"],
    test: Int[Tensor, " test"],
    collate: Callable[[Sequence[ItemT]], Any],
    options: FineTuning | None = None,
    transform: AbstractTransform[ItemT] | None = None,
) -> ClassScore:
    """Train a copy of the encoder with a linear head by cross-entropy on `train`, and score it on `test`.

    With a fresh encoder this is supervised training from scratch. The encoder itself is not changed.

    Args:
        encoder: the start.
        items: items in their native form.
        labels: a class per item; items labelled −1 take no part.
        train: numbers of the items to learn from.
        test: numbers of the items to be asked about.
        collate: the modality's.
        options: how to train.
        transform: augmentation of the training items, drawn anew every time; None trains on them as they are.

    Raises:
        ValueError: if no labelled item is left on a side, or an item is on both.

    Source: the protocol of SimCLR and SemPPL at 1 % and 10 % of the labels.
    """
    classes = labels.cpu().numpy()
    learn, ask = (rows[classes[rows] >= 0] for rows in sides(train, test))
    if not len(learn) or not len(ask):
        raise ValueError(f"fine-tuning needs labelled items on both sides, got {len(learn)} and {len(ask)}")
    seen, number = np.unique(classes[learn], return_inverse=True)
    tuned = _tuned(
        encoder, items, learn, torch.from_numpy(number), len(seen), cross_entropy, collate, options, transform
    )
    predicted = seen[tuned.predict([items[row] for row in ask]).argmax(dim=1).numpy()]
    return class_score(predicted, classes[ask], classes[learn])


def fine_tune_values(
    encoder: AbstractEncoder,
    items: Sequence[ItemT],
    targets: Float[Tensor, " items"],
    train: Int[Tensor, " train"],
    test: Int[Tensor, " test"],
    collate: Callable[[Sequence[ItemT]], Any],
    options: FineTuning | None = None,
    transform: AbstractTransform[ItemT] | None = None,
) -> ValueScore:
    """Train a copy of the encoder with a linear head by squared error on `train`, and score it on `test`.

    Targets are standardised by the training items while training, and scored in their own unit; items whose target is
    NaN take no part. Arguments as in `fine_tune_classes`.

    Raises:
        ValueError: if no item with a target is left on a side, or an item is on both.
    """
    y = targets.detach().cpu().double().numpy()
    learn, ask = (rows[~np.isnan(y[rows])] for rows in sides(train, test))
    if not len(learn) or not len(ask):
        raise ValueError(f"fine-tuning needs items with a target on both sides, got {len(learn)} and {len(ask)}")
    middle, width = float(y[learn].mean()), float(y[learn].std()) or 1.0
    standard = torch.from_numpy((y[learn] - middle) / width).float()[:, None]
    tuned = _tuned(encoder, items, learn, standard, 1, mse_loss, collate, options, transform)
    predicted = tuned.predict([items[row] for row in ask])[:, 0].double().numpy() * width + middle
    return value_score(predicted, y[ask])


def _tuned(
    encoder: AbstractEncoder,
    items: Sequence[ItemT],
    rows: np.ndarray,
    targets: Tensor,
    outputs: int,
    loss: Callable[[Tensor, Tensor], Tensor],
    collate: Callable[[Sequence[ItemT]], Any],
    options: FineTuning | None,
    transform: AbstractTransform[ItemT] | None,
) -> Tuned[ItemT]:
    options = options or FineTuning()
    rng = np.random.default_rng(options.seed)
    device = device_of(encoder)
    size, order = min(options.batch, len(rows)), np.empty(0, dtype=np.int64)
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(options.seed)  # the head, dropout and the like
        tuned = Tuned(copy.deepcopy(encoder), outputs, collate, options.encoder_scale == 0).to(device).train()
        optimizer, scales = _optimizer(tuned, options)
        for step in range(options.steps):
            if len(order) < size:
                order = rng.permutation(len(rows))
            chosen, order = order[:size], order[size:]
            picked = [items[row] for row in rows[chosen].tolist()]
            picked = picked if transform is None else [transform(item, rng)[0] for item in picked]
            value = loss(tuned(picked).float(), targets[torch.from_numpy(chosen)].to(device))
            rate = options.lr * warmup_cosine(step + 1, options.steps, options.warmup)
            for group, scale in zip(optimizer.param_groups, scales, strict=True):
                group["lr"] = rate * scale
            optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(tuned.parameters(), 5.0)
            optimizer.step()
    return tuned.eval()


def _optimizer(tuned: Tuned[Any], options: FineTuning) -> tuple[AdamW, list[float]]:
    """The optimiser, and the share of the learning rate of each of its groups."""
    groups, scales = parameter_groups(tuned.head, options.weight_decay), [1.0, 1.0]
    if not tuned.frozen:
        groups += parameter_groups(tuned.encoder, options.weight_decay)
        scales += [options.encoder_scale] * 2
    for group in groups:
        del group["adapt"]
    return AdamW(groups, options.lr), scales
