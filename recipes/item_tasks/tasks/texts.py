"""What kind of sentence is it, without the mark that ends it?"""

import torch

from gestalt.core.evaluation.fine_tuning import FineTuning
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.bert import BERT
from gestalt.core.methods.targets import Classes
from gestalt.core.modality.transform import Views
from gestalt.modalities.text import MODALITY, chain

from ..cells import accuracy
from ..task import Part, PreTraining, Task
from .said import KINDS, evenly, further, sentences
from .word_counts import WordCounts

ASKED_SEED = 11_000_000
COUNTED = 100
"""Words that a bag of words counts, the commonest in what may be learned from: of more, a probe with all labels
was worse on validation items."""


def kinds_of_texts(seed: int, part: Part, scale: float) -> Task:
    """The task: sentences of all kinds with labels, others without."""
    labelled = evenly(sentences("train"), max(4, round(400 * scale)), seed)
    learned = [*labelled, *further(labelled, round(8000 * scale), seed)]
    texts = [one.item for one in learned]
    asked = evenly(sentences(part), max(4, round(64 * scale)), ASKED_SEED)
    asked_known = torch.tensor([one.kind for one in asked])
    return Task(
        name="texts",
        question="is a sentence a question, or does its first finite verb stand in the past, the present, or beside a "
        "modal verb",
        target=Classes(KINDS),
        of="items",
        modality=MODALITY,
        items=texts,
        known=torch.tensor([one.kind if row < len(labelled) else -1 for row, one in enumerate(learned)]),
        asked=[one.item for one in asked],
        asked_known=asked_known,
        columns=("accuracy",),
        measure=lambda answers: accuracy(answers, asked_known),
        encoder=EncoderChoice("conv", {"width": 96, "kernels": [3, 3, 3]}),
        pretraining=PreTraining(
            BERT(), Views(chain(), (chain(),)), steps=max(2, round(1000 * scale)), batch=64, lr=3e-3
        ),
        tuning=FineTuning(steps=max(2, round(200 * scale)), batch=32, lr=3e-3, warmup=20),
        plain=WordCounts.of([one.item for one in sentences("train")], COUNTED),
    )
