"""Tasks whose answer is a class or numbers for every element: a linear head by the package's fit."""

from dataclasses import replace

import torch
from einops import rearrange
from jaxtyping import Float, Shaped
from torch import Tensor

from gestalt.core.fitting.fitters import Linear
from gestalt.core.fitting.options import Fitting
from gestalt.core.networks.encoder import AbstractEncoder, Network
from gestalt.core.runs.answering import decoded_of, said_of
from gestalt.core.runs.model import Model
from gestalt.core.training.labels import Labels
from gestalt.modalities.image import MODALITY, Picture

from .rows import CELL, Pictures
from .scenes import Scenes
from .task import Learning

BATCH = 50
"""Scenes that are asked about at once."""
PENALTY = 1.0
"""λ of the linear head, the linear probe's."""
ELEMENTS = 5000
"""Cells that the linear head is fitted to, evenly over the scenes that are seen."""


def answers(
    encoder: AbstractEncoder, tuned: bool, seen: Scenes, labels: Labels, asked: Scenes, learning: Learning, seed: int
) -> Float[Tensor, "scenes columns rows columns_of_cells"]:
    """What a head says of every cell of the scenes that are asked about: the target's columns.

    The head is linear, fitted to the optimum; where the encoder is trained with it from there, the step is chosen on
    held-out scenes of those that are seen.
    """
    model: Model[Picture] = Model(MODALITY, Network(encoder).eval(), {}, batch=BATCH)
    steps = learning.tune if tuned else 0
    options = Fitting(
        of="elements",
        folds=5 if tuned else 2,
        elements=ELEMENTS,
        unknown=0.0,
        tune=steps,
        tune_lr=learning.tune_lr,
        tune_slower=1.0,
        tune_batch=learning.batch,
        seed=seed,
    )
    fitted = model.fit(Pictures(seen), labels, head=Linear((PENALTY,)), options=options)
    assert fitted.fitted is not None
    parts = []
    for batch in replace(fitted, batch=BATCH).encoded(Pictures(asked)):
        decoded = decoded_of(fitted.fitted, said_of(fitted.fitted, batch, fitted.device))
        grid = batch.features.grid
        assert grid is not None
        parts.append(rearrange(decoded, "b (h w) c -> b c h w", h=grid.shape[0]))
    return torch.cat(parts)


def cells(pixels: Shaped[Tensor, "scenes size size"]) -> Shaped[Tensor, "scenes elements inside"]:
    """The pixels of every cell, cells in reading order.

    Example:
        >>> cells(torch.arange(16).view(1, 4, 4))[0].tolist()
        [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    """
    return rearrange(pixels, "s (h p) (w q) -> s (h w) (p q)", p=CELL, q=CELL)


def on_pixels(found: Shaped[Tensor, "scenes rows columns"]) -> Shaped[Tensor, "scenes size size"]:
    """What is said of cells, on their pixels."""
    return found.repeat_interleave(CELL, dim=1).repeat_interleave(CELL, dim=2)
