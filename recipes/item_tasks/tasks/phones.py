"""Which phones are spoken when, in the utterances of key words, by voices that training never heard."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torchaudio.functional import edit_distance

from gestalt.core.evaluation.fine_tuning import FineTuning
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.targets import Classes
from gestalt.modalities.audio import MODALITY

from ..task import Answers, Part, Task
from .said_when import edges_of, frames, named
from .stretches import stretches
from .utterances import Utterance, learned_and_asked

CLASS_OF = {
    **{
        letters: letters
        for letters in ("b", "d", "f", "j", "k", "l", "n", "p", "s", "t", "v", "w", "z", "ɡ", "ɹ", "ʃ", "tʃ")
    },
    **{
        letters: letters
        for letters in ("a", "aɪ", "aʊ", "eɪ", "iː", "oʊ", "uː", "ɑː", "ɔɪ", "ə", "ɛ", "ɜː", "ɪ", "ʊ", "ʌ", "əl")
    },
    **{"r": "ɹ", "ɾ": "t", "ʍ": "w"},
    **{"æ": "a", "ʌʉ": "aʊ", "eː": "eɪ", "əʊ": "oʊ", "oː": "oʊ", "ʉː": "uː", "ɒ": "ɑː", "ᵻ": "ɪ", "ʉ": "ʊ"},
    **{"ɐ": "ə", "ɜ": "ə", "ɚ": "ɜː", "əɹ": "ɜː", "ʌɹ": "ɜː"},
}
"""The class of every phone of the synthesiser: what accents say in the same place is one class."""
PHONES = tuple(sorted(set(CLASS_OF.values())))
NO_PHONE = len(PHONES)
SMOOTHED = 3
"""Frames whose mean answer decides, where phones are made of frames."""
STRETCH = (0.08, 0.25)
"""Seconds of an utterance that are compared without labels: a phone or a few."""
FRAMES = 1
"""Steps of 16 ms in a frame: the shortest phones last no longer than two."""


def spoken(one: Utterance) -> list[tuple[float, float, int]]:
    """When each phone is spoken, and its number among `PHONES`."""
    return [(first, last, PHONES.index(CLASS_OF[letters])) for first, last, letters in one.phones]


def phones(seed: int, part: Part, scale: float) -> Task:
    """The task."""
    learned, asked = learned_and_asked(seed, part, scale)
    plain = MODALITY.encoders["raw"](per_element=FRAMES)
    edges = edges_of(plain, learned[0].recording)
    known, asked_known = (
        torch.stack([frames(spoken(one), edges, NO_PHONE) for one in some]) for some in (learned, asked)
    )

    def measure(answers: Answers) -> Mapping[str, float]:
        return {"phone error rate": phone_error_rate(answers.outputs, asked)} | {
            "frame accuracy": float((answers.outputs.argmax(dim=1) == asked_known.flatten()).double().mean())
        }

    return Task(
        name="phones",
        question="which of 33 phones is spoken when, by a voice that training never heard",
        target=Classes((*PHONES, "none")),
        of="elements",
        modality=MODALITY,
        items=[one.recording for one in learned],
        known=known,
        asked=[one.recording for one in asked],
        asked_known=asked_known,
        columns=("phone error rate", "frame accuracy"),
        measure=measure,
        encoder=EncoderChoice("conv", {"width": 128, "kernels": [5, 5, 5, 5], "per_element": FRAMES}),
        pretraining=stretches(scale, STRETCH),
        tuning=FineTuning(steps=max(2, round(300 * scale)), batch=16, lr=3e-3, warmup=30),
        penalty=10.0,
        plain=plain,
    )


def phone_error_rate(outputs: Float[Tensor, "rows classes"], asked: Sequence[Utterance]) -> float:
    """Phones that must be put in, left out or exchanged for those that are spoken, as a share of these.

    Frames of one class in a row are one phone; what is none is left out, so that where words end is not asked.
    """
    wrong, there = 0, 0
    for one, answers in zip(asked, named(outputs, len(asked), SMOOTHED), strict=True):
        found = answers.unique_consecutive()
        true = [number for *_, number in spoken(one)]
        wrong += edit_distance(found[found != NO_PHONE].tolist(), true)
        there += len(true)
    return wrong / there
