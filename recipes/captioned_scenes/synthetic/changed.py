"""Captions with one word changed, so that they are not true of their scene any more."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from .words import COLOURS, OPPOSITE, TEXTURES, THINGS, Caption, Described, Sort, sentence

NUMBERS: dict[Sort, int] = {"colour": len(COLOURS), "texture": len(TEXTURES), "thing": len(THINGS)}


def one_word_changed(caption: Caption, items: Sequence[Described], rng: np.random.Generator) -> Mapping[Sort, Caption]:
    """For every sort of word that the caption has, one caption that differs in one word of it, and is false.

    A sort is left out where every change would be true: of another item of the scene, say.

    Example:
        >>> two = (Described(0, 1, 6, (32.0, 10.0)), Described(2, 0, 8, (32.0, 50.0)))
        >>> from .words import caption_of
        >>> rng = np.random.default_rng(1)
        >>> for sort, other in one_word_changed(caption_of(two, rng), two, rng).items():
        ...     print(f"{sort}: {other.text}")
        texture: a plain shirt is left of a plain bag
        thing: a striped shirt is left of a plain shirt
        relation: a striped shirt is right of a plain bag
    """
    found = dict[Sort, Caption]()
    for sort, count in NUMBERS.items():
        places = [(phrase, word) for phrase in range(len(caption.phrases)) for word in range(count)]
        for place in rng.permutation(len(places)).tolist():
            number, word = places[place]
            if getattr(caption.phrases[number], sort) in (-1, word):
                continue
            phrases = list(caption.phrases)
            phrases[number] = replace(phrases[number], **{sort: word})
            other = sentence(phrases, caption.relation)
            if not other.true_of(items):
                found[sort] = other
                break
    if caption.relation is not None:
        turned = sentence(caption.phrases, OPPOSITE[caption.relation])
        if not turned.true_of(items):
            found["relation"] = turned
    return found
