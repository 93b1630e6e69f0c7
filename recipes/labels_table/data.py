"""The shipped data of every kind, with labels."""

import csv
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gestalt.core.modality.transform import Views

from .kinds import Labelled, padded

if TYPE_CHECKING:
    from gestalt.modalities.text import Passage

SAMPLES = Path(__file__).parents[1] / "samples"
TEST_SEED = 1_000_000  # what is tried is the same for every seed

FAMILIES = ("bass", "bd", "drum", "elec", "tabla")
"""Families with enough sounds to learn from some and be asked about others."""

TAGS = {
    "noun": ("NN", "NNS", "NNP", "NNPS"),
    "verb": ("VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "MD"),
    "adjective": ("JJ", "JJR", "JJS"),
    "adverb": ("RB", "RBR", "RBS"),
    "pronoun": ("PRP", "PRP$", "WP", "WP$"),
    "determiner": ("DT", "PDT", "WDT"),
    "preposition": ("IN", "TO", "RP"),
    "conjunction": ("CC",),
    "number": ("CD",),
}
"""Kinds of words by their Penn Treebank tags; punctuation and the rest have none."""

HEADS = {
    "common noun": ("NN", "NNS"),
    "name": ("NNP", "NNPS"),
    "pronoun": ("PRP", "WP", "EX"),
    "verb in the present": ("VBP", "VBZ"),
    "verb in the past": ("VBD",),
    "infinitive": ("VB",),
    "participle": ("VBG", "VBN"),
}
"""Heads of noun and verb groups by their tags."""


def audio(seed: int, items: int = 800, tried: int = 280) -> Labelled:
    """Varied one-shot sounds: to which family does a sound belong that was never heard?"""
    from gestalt.modalities.audio import MODALITY, Recording, chain
    from gestalt.modalities.audio.effects import Gain, Noise
    from gestalt.modalities.audio.views import FrequencyMask, TimeCrop, TimeMask

    from ..audio_events.sounds import Sound
    from ..audio_events.soundscapes import load_samples
    from ..audio_events.variety import Variety, vary

    rate, seconds = 16_000, 1.5
    variety = Variety(ratio=(0.8, 1.25), gain=6.0, reverse=0.0, synthesised=0.0, longest=seconds)

    def made(sounds: Sequence[Sound], count: int, start: int) -> tuple[list[Recording], list[int]]:
        known = [sound for sound in sounds if sound.family in FAMILIES]
        rng = np.random.default_rng(start)
        recordings, labels = [], []
        for number in range(count):
            sound = known[number % len(known)]
            samples = np.zeros(round(rate * seconds), dtype=np.float32)
            varied = vary(rng, sound, variety, rate).samples[: len(samples)]
            samples[: len(varied)] = varied
            recordings.append(Recording(torch.from_numpy(samples), rate))
            labels.append(FAMILIES.index(sound.family))
        return recordings, labels

    split = load_samples().sounds
    learned, labels = made(split.train, items, seed)
    asked, answers = made(split.test, tried, TEST_SEED)
    steps = [(1.0, TimeCrop(1.0, 1.0)), (1.0, Gain(-6.0, 6.0)), (0.5, Noise(25.0, 50.0))]
    look = chain(*steps, (0.5, FrequencyMask(0.1, 0.5)), (0.5, TimeMask(0.05, 0.16)))
    return Labelled(
        "audio",
        "the family of a sound that was never heard",
        FAMILIES,
        learned,
        torch.tensor(labels),
        asked,
        torch.tensor(answers),
        Views(chain(), (look, look)),
        MODALITY.collate,
        lambda: MODALITY.encoders["conv"](),
        lambda: MODALITY.encoders["raw"](),
    )


def graph(seed: int) -> Labelled:  # noqa: ARG001
    """Molecules by the given split: how soluble are they in water, little, somewhat or well?"""
    from gestalt.modalities.graph import MODALITY, Graph, graph_of, molecule_of

    def read(name: str) -> tuple[list[Graph], list[int]]:
        with (SAMPLES / "graph" / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [graph_of(molecule_of(row["smiles"])) for row in rows], [ord(row["class"][1]) - ord("A") for row in rows]

    learned, labels = read("solubility_train.csv")
    asked, answers = read("solubility_test.csv")
    return Labelled(
        "graph",
        "the class of a molecule's solubility in water",
        ("low", "medium", "high"),
        learned,
        torch.tensor(labels),
        asked,
        torch.tensor(answers),
        MODALITY.views,
        MODALITY.collate,
        lambda: MODALITY.encoders["gine"](),
        lambda: MODALITY.encoders["raw"](),
    )


def image(seed: int, items: int = 2000, tried: int = 1000) -> Labelled:  # noqa: ARG001
    """Pictures of clothing: which class?"""
    from gestalt.modalities.image import MODALITY, chain
    from gestalt.modalities.image.effects import Noise
    from gestalt.modalities.image.views import CutOut, Flip, ResizedCrop

    with np.load(SAMPLES / "image" / "fashion_items.npz") as file:
        arrays = {name: file[name] for name in file.files}
    pictures = {
        side: [torch.from_numpy(one / np.float32(255))[None] for one in arrays[f"{side}_images"][:count]]
        for side, count in (("train", items), ("test", tried))
    }
    look = chain((1.0, ResizedCrop(28, (0.3, 1.0))), (0.5, Flip()), (0.5, Noise()), (0.3, CutOut()))
    return Labelled(
        "image",
        "the class of a piece of clothing",
        tuple(str(name) for name in arrays["names"]),
        pictures["train"],
        torch.from_numpy(arrays["train_labels"][:items].astype(np.int64)),
        pictures["test"],
        torch.from_numpy(arrays["test_labels"][:tried].astype(np.int64)),
        Views(chain(), (look, look)),
        MODALITY.collate,
        lambda: MODALITY.encoders["conv"](width=32, channels=1),
        lambda: MODALITY.encoders["raw"](channels=1),
    )


def text(seed: int, items: int = 2000, tried: int = 500) -> Labelled:  # noqa: ARG001
    """Words in sentences: which kind of word?"""
    sentences, tags = tagged(items, tried)
    number = {tag: place for place, kind in enumerate(TAGS.values()) for tag in kind}
    labels = [[number.get(tag, -1) for tag in sentence] for sentence in tags]
    question = "the kind of each word in sentences that were never read"
    return _of_sentences("text", question, tuple(TAGS), sentences, padded(labels), None, items)


def spans(seed: int, items: int = 2000, tried: int = 500) -> Labelled:  # noqa: ARG001
    """Noun and verb groups in sentences, known by a grammar of tags: what heads each?"""
    from ..text_spans.grammar import groups

    sentences, tags = tagged(items, tried)
    number = {tag: place for place, kind in enumerate(HEADS.values()) for tag in kind}
    labels, segments = [], []
    for sentence in tags:
        heads, objects = [-1] * len(sentence), [-1] * len(sentence)
        for place, group in enumerate(groups(sentence)):
            size = group.last - group.first
            heads[group.first : group.last] = [number.get(group.head, -1)] * size
            objects[group.first : group.last] = [place] * size
        labels.append(heads)
        segments.append(objects)
    question = "what heads each noun or verb group in sentences that were never read"
    return _of_sentences("spans", question, tuple(HEADS), sentences, padded(labels), padded(segments), items)


def tagged(items: int, tried: int, longest: int = 30) -> "tuple[list[Passage], list[list[str]]]":
    """The first and the last sentences of at most `longest` words, and the tags of their words."""
    from gestalt.modalities.text import Passage

    sentences, tags = list[Passage](), list[list[str]]()
    with gzip.open(SAMPLES / "text" / "oanc_tagged.txt.gz", "rt", encoding="utf-8") as file:
        for line in file:
            pairs = [pair.rsplit("/", 1) for pair in line.split()]
            if len(pairs) <= longest:
                gaps = ("", *[" "] * (len(pairs) - 1), "")
                sentences.append(Passage(tuple(word for word, _ in pairs), gaps))
                tags.append([tag for _, tag in pairs])
    return sentences[:items] + sentences[-tried:], tags[:items] + tags[-tried:]


def _of_sentences(
    kind: str,
    question: str,
    classes: tuple[str, ...],
    sentences: "list[Passage]",
    labels: Tensor,
    segments: Tensor | None,
    items: int,
) -> Labelled:
    from gestalt.modalities.text import MODALITY, chain
    from gestalt.modalities.text.noise import Characters
    from gestalt.modalities.text.views import Crop, Delete, Noisy

    look = chain((0.5, Crop(0.7, 1.0, shortest=4)), (0.5, Delete(0.1)), (0.5, Noisy(Characters(), 0.1)))
    return Labelled(
        kind,
        question,
        classes,
        sentences[:items],
        labels[:items],
        sentences[items:],
        labels[items:],
        Views(chain(), (look, look)),
        MODALITY.collate,
        lambda: MODALITY.encoders["conv"](width=96),
        lambda: MODALITY.encoders["raw"](),
        segments=None if segments is None else segments[:items],
        tried_segments=None if segments is None else segments[items:],
    )


KINDS: dict[str, Callable[[int], Labelled]] = {
    "image": image,
    "audio": audio,
    "graph": graph,
    "text": text,
    "spans": spans,
}
"""Kinds of data by name; each is made from a seed."""
