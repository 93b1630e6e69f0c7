"""Which passages are alike? Those of one text, of texts of which nothing was learned."""

import torch

from gestalt.core.evaluation.fine_tuning import FineTuning
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.simclr import SimCLR
from gestalt.core.methods.targets import Classes
from gestalt.core.modality.transform import Views
from gestalt.modalities.text import MODALITY, chain
from gestalt.modalities.text.views import Crop, Delete

from ..task import Part, PreTraining, Task
from .said import EACH, excerpts, pairs
from .speakers import equal_error_rate
from .word_counts import WordCounts

BLOCKS = 40
"""Blocks of neighbouring sentences that are learned from."""
COUNTED = 4000
"""Words that a bag of words counts, those that are commonest in what may be learned from."""


def alike(seed: int, part: Part, scale: float) -> Task:
    """The task: equal error rate of pairs of passages; what is learned is of which block a passage is."""
    every = excerpts("train")
    blocks = sorted({one.block for one in every})
    order = torch.randperm(len(blocks), generator=torch.Generator().manual_seed(seed))[: max(2, round(BLOCKS * scale))]
    taken = [blocks[place] for place in sorted(order.tolist())]
    learned = [one for one in every if one.block in taken]
    asked = excerpts(part)[: max(2 * EACH, round(10 * EACH * scale))]
    which, same = pairs(asked)
    texts = [one.item for one in learned]
    view = chain((1.0, Crop(0.3, 0.7)), (0.5, Delete(0.1)))
    return Task(
        name="passages",
        question="which passages of four sentences stood side by side, of texts of which nothing was learned",
        target=Classes(tuple(f"block {block}" for block in taken)),
        of="items",
        modality=MODALITY,
        items=texts,
        known=torch.tensor([taken.index(one.block) for one in learned]),
        asked=[one.item for one in asked],
        asked_known=torch.full((len(asked),), -1),
        columns=("equal error rate",),
        measure=lambda answers: {"equal error rate": equal_error_rate(answers.vectors, which, same)},
        encoder=EncoderChoice("conv", {"width": 96, "kernels": [3]}),
        pretraining=PreTraining(
            SimCLR(heads=Heads(256, 128)), Views(chain(), (view, view)), steps=max(2, round(200 * scale)), batch=48
        ),
        tuning=FineTuning(steps=max(2, round(100 * scale)), batch=32, lr=3e-3, warmup=20),
        transform=chain((1.0, Crop(0.5, 1.0))),
        plain=WordCounts.of([one.item for one in every], COUNTED),
    )
