"""Words and groups of words in tagged sentences."""

import gzip
from importlib.resources import files

from torch import Tensor

from gestalt.core.modality.transform import Views
from gestalt.modalities.text import MODALITY, Passage, chain
from gestalt.modalities.text.noise import Characters
from gestalt.modalities.text.views import Crop, Delete, Noisy

from ...text_spans.corpus.grammar import groups
from ..labelled_data import LabelledData, padded

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
"""Parts of speech by their Penn Treebank tags; punctuation and the rest have none."""

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


def words(items: int = 2000, test_items: int = 500) -> LabelledData:
    """Which part of speech is each word?"""
    sentences, tags = tagged(items, test_items)
    number = {tag: place for place, kind in enumerate(TAGS.values()) for tag in kind}
    labels = [[number.get(tag, -1) for tag in sentence] for sentence in tags]
    question = "the part of speech of each word in sentences that were never read"
    return _of_sentences("text", question, tuple(TAGS), sentences, padded(labels), None, items)


def word_groups(items: int = 2000, test_items: int = 500) -> LabelledData:
    """Noun and verb groups, known by a grammar of tags: what heads each?"""
    sentences, tags = tagged(items, test_items)
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


def tagged(items: int, test_items: int, longest: int = 30) -> tuple[list[Passage], list[list[str]]]:
    """The first and the last sentences of at most `longest` words, and the tags of their words."""
    sentences, tags = list[Passage](), list[list[str]]()
    shipped = files("gestalt.recipes") / "samples" / "text" / "oanc_tagged.txt.gz"
    with shipped.open("rb") as file, gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            pairs = [pair.rsplit("/", 1) for pair in line.split()]
            if len(pairs) <= longest:
                gaps = ("", *[" "] * (len(pairs) - 1), "")
                sentences.append(Passage(tuple(word for word, _ in pairs), gaps))
                tags.append([tag for _, tag in pairs])
    return sentences[:items] + sentences[-test_items:], tags[:items] + tags[-test_items:]


def _of_sentences(
    name: str,
    question: str,
    classes: tuple[str, ...],
    sentences: list[Passage],
    labels: Tensor,
    segments: Tensor | None,
    items: int,
) -> LabelledData:
    view = chain((0.5, Crop(0.7, 1.0, shortest=4)), (0.5, Delete(0.1)), (0.5, Noisy(Characters(), 0.1)))
    return LabelledData(
        name=name,
        question=question,
        classes=classes,
        modality=MODALITY,
        views=Views(chain(), (view, view)),
        items=sentences[:items],
        labels=labels[:items],
        test_items=sentences[items:],
        test_labels=labels[items:],
        segments=None if segments is None else segments[:items],
        test_segments=None if segments is None else segments[items:],
        encoder_settings={"width": 96},
    )
