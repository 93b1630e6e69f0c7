"""Which words are spoken when: synthesised words over quiet sounds, by voices that training never heard."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.core.evaluation.fine_tuning import FineTuning
from gestalt.core.evaluation.intervals import Intervals
from gestalt.core.evaluation.named_counts import CountsMeasure, NamedIntervals, as_row, interval_counts
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.targets import Classes
from gestalt.modalities.audio import MODALITY

from ...captioned_scenes.synthetic.words import WORDS
from ..task import Answers, Part, Task
from .said_when import edges_of, frames, named
from .stretches import stretches
from .utterances import NO_WORD, Utterance, learned_and_asked

SMOOTHED = 5
"""Frames whose mean answer decides, where stretches are made of frames."""


def key_words(seed: int, part: Part, scale: float) -> Task:
    """The task."""
    learned, asked = learned_and_asked(seed, part, scale)
    edges = edges_of(MODALITY.encoders["raw"](), learned[0].recording)
    known, asked_known = (torch.stack([frames(one.words, edges, NO_WORD) for one in some]) for some in (learned, asked))

    def measure(answers: Answers) -> Mapping[str, float]:
        return {"word F1": word_f1(answers.outputs, asked, edges)} | {
            "frame accuracy": float((answers.outputs.argmax(dim=1) == asked_known.flatten()).double().mean())
        }

    return Task(
        name="key-words",
        question="which of 30 words is spoken when, by a voice that training never heard",
        target=Classes((*WORDS, "none")),
        of="elements",
        modality=MODALITY,
        items=[one.recording for one in learned],
        known=known,
        asked=[one.recording for one in asked],
        asked_known=asked_known,
        columns=("word F1", "frame accuracy"),
        measure=measure,
        encoder=EncoderChoice("conv", {"width": 128, "kernels": [5, 5, 5, 5]}),
        pretraining=stretches(scale),
        tuning=FineTuning(steps=max(2, round(300 * scale)), batch=16, lr=3e-3, warmup=30),
        penalty=10.0,
    )


def word_f1(
    outputs: Float[Tensor, "rows classes"], asked: Sequence[Utterance], edges: Float[Tensor, " edges"]
) -> float:
    """F1 of words that are found where they are spoken: stretches of frames that overlap a true one by half."""
    rows = list[list[float]]()
    for one, answers in zip(asked, named(outputs, len(asked), SMOOTHED), strict=True):
        labels = torch.where(answers == NO_WORD, -1, answers)
        runs = labels.unique_consecutive()
        found = NamedIntervals(Intervals.from_labels(labels, edges), runs[runs >= 0])
        true = NamedIntervals(
            Intervals.of([(first, last) for first, last, _ in one.words]),
            torch.tensor([word for *_, word in one.words], dtype=torch.long),
        )
        rows.append(as_row(interval_counts(found, true, NO_WORD, in_units=True)["overlapping by half"]))
    return float(CountsMeasure(WORDS)(torch.tensor(rows), torch.zeros(len(rows)))["f1"])
