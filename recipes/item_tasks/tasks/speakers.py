"""Who speaks? Known speakers with words that were not heard of them, and pairs of speakers that were never heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.evaluation.fine_tuning import FineTuning
from gestalt.core.evaluation.verification import error_curve
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.simclr import SimCLR
from gestalt.core.methods.targets import Classes
from gestalt.core.modality.transform import Views
from gestalt.modalities.audio import MODALITY, Recording, chain
from gestalt.modalities.audio.effects import Gain, Noise
from gestalt.modalities.audio.views import FrequencyMask, TimeCrop

from ...captioned_scenes.synthetic.speech import RATE, stretched, voice
from ...captioned_scenes.synthetic.words import WORDS
from ..cells import accuracy
from ..task import Answers, Part, PreTraining, Task

HEARD: dict[Part, tuple[str, ...]] = {"test": ("amy", "ben", "cal", "dot"), "validation": ("amy", "ben")}
"""Voices that are learned from, by what is asked about."""
UNHEARD: dict[Part, tuple[str, ...]] = {"test": ("eve", "finn"), "validation": ("cal", "dot")}
"""Voices of which pairs are asked about; none is learned from."""
PACES = (0.82, 1.0, 1.22)
"""A voice at another pace, and so at another pitch, is another speaker."""
STRAYS = 0.03
"""By so much, as a share, the pace of one speaker strays from utterance to utterance."""
SPOKEN = 4
"""Words of an utterance."""
PAUSE = (0.02, 0.12)
LOUDNESS = (0.3, 1.0)
NOISE = (0.002, 0.02)
"""Standard deviation of the noise under an utterance; full scale is 1."""
SECONDS = 1.6
OLD, NEW = WORDS[::3] + WORDS[1::3], WORDS[2::3]
"""Words of the utterances that are learned from, and of those that are asked about."""
ASKED_SEEDS: dict[Part, int] = {"test": 2_000_000, "validation": 6_000_000}
"""Of the utterances that are asked about: the same speakers and words are in both parts."""


@final
@dataclass(frozen=True)
class Speaker:
    """A voice at a pace."""

    voice: str
    pace: float

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.voice} × {self.pace:g}"


@final
@dataclass(frozen=True)
class Spoken:
    """Some words by a speaker."""

    recording: Recording
    speaker: Speaker
    words: tuple[str, ...]


def speakers(voices: Sequence[str]) -> tuple[Speaker, ...]:
    """Every voice at every pace."""
    return tuple(Speaker(voice, pace) for voice in voices for pace in PACES)


def spoken(rng: np.random.Generator, speaker: Speaker, words: Sequence[str]) -> Spoken:
    """Different words of some, one after another, as long as an utterance lasts."""
    order: list[int] = rng.permutation(len(words))[:SPOKEN].tolist()
    said = tuple(words[number] for number in order)
    pace = speaker.pace * float(rng.uniform(1 - STRAYS, 1 + STRAYS))
    pieces = list[Tensor]()
    for word in said:
        pieces += [
            torch.zeros(round(float(rng.uniform(*PAUSE)) * RATE)),
            stretched(voice(speaker.voice).word(word), pace),
        ]
    length = round(SECONDS * RATE)
    whole = torch.zeros(length)
    clean = torch.cat(pieces)[:length]
    whole[: len(clean)] = clean * float(rng.uniform(*LOUDNESS))
    noise = torch.from_numpy(rng.standard_normal(length, dtype=np.float32)) * float(rng.uniform(*NOISE))
    return Spoken(Recording(whole + noise, RATE), speaker, said)


def utterances(count: int, seed: int, who: Sequence[Speaker], words: Sequence[str]) -> list[Spoken]:
    """Utterances of all speakers by turns."""
    return [spoken(np.random.default_rng([seed, number]), who[number % len(who)], words) for number in range(count)]


def pairs(asked: Sequence[Spoken]) -> tuple[Int[Tensor, "pairs 2"], Bool[Tensor, " pairs"]]:
    """All pairs of utterances without a word in common, and whether both are of the same speaker."""
    apart = [
        (one, two)
        for one, two in combinations(range(len(asked)), 2)
        if not set(asked[one].words) & set(asked[two].words)
    ]
    same = [asked[one].speaker == asked[two].speaker for one, two in apart]
    return torch.tensor(apart, dtype=torch.long).view(-1, 2), torch.tensor(same, dtype=torch.bool)


def equal_error_rate(
    vectors: Float[Tensor, "items dim"], which: Int[Tensor, "pairs 2"], same: Bool[Tensor, " pairs"]
) -> float:
    """The equal error rate of the cosine of the vectors of a pair."""
    one, two = vectors[which[:, 0]], vectors[which[:, 1]]
    return error_curve(torch.nn.functional.cosine_similarity(one, two), same).equal_error_rate


def who_speaks(seed: int, part: Part, scale: float) -> Task:
    """The task: accuracy of known speakers, equal error rate of pairs of unheard ones."""
    known = speakers(HEARD[part])
    each = len(known) * max(2, round(50 * scale))
    learned = utterances(each, seed, known, OLD)
    asked = utterances(len(known) * max(2, round(15 * scale)), ASKED_SEEDS[part], known, NEW)
    others = speakers(UNHEARD[part])
    unheard = utterances(len(others) * max(6, round(30 * scale)), ASKED_SEEDS[part] + 1, others, WORDS)
    which, same = pairs(unheard)
    answers_known = torch.tensor([known.index(one.speaker) for one in asked])

    def measure(answers: Answers) -> Mapping[str, float]:
        named = Answers(answers.outputs[: len(asked)], answers.vectors[: len(asked)])
        return {
            **accuracy(named, answers_known),
            "equal error rate": equal_error_rate(answers.vectors[len(asked) :], which, same),
        }

    view = chain(
        (1.0, TimeCrop(0.6, 1.0)), (1.0, Gain(-9.0, 6.0)), (0.5, Noise(20.0, 40.0)), (0.3, FrequencyMask(0.1, 0.5))
    )
    return Task(
        name="speakers",
        question="which of the known speakers says words that were not learned from; are two utterances without a word "
        "in common of the same speaker, whom training never heard",
        target=Classes(tuple(one.name for one in known)),
        of="items",
        modality=MODALITY,
        items=[one.recording for one in learned],
        known=torch.tensor([known.index(one.speaker) for one in learned]),
        asked=[one.recording for one in (*asked, *unheard)],
        asked_known=torch.cat([answers_known, torch.full((len(unheard),), -1)]),
        columns=("accuracy", "equal error rate"),
        measure=measure,
        encoder=EncoderChoice("conv", {"width": 96, "kernels": [5, 5]}),
        pretraining=PreTraining(
            SimCLR(heads=Heads(256, 128)), Views(chain(), (view, view)), steps=max(2, round(120 * scale)), batch=48
        ),
        tuning=FineTuning(steps=max(2, round(100 * scale)), batch=32, lr=2e-3, warmup=20),
        transform=view,
    )
