"""Noun and verb groups by a grammar of part-of-speech tags: the truth that found spans are held against."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

Kind = Literal["noun group", "verb group"]

# One letter for each tag that the grammar knows; every other tag is in no group.
LETTERS = {
    **dict.fromkeys(("DT", "PDT", "PRP$", "WP$", "WDT"), "D"),
    **dict.fromkeys(("JJ", "JJR", "JJS"), "J"),
    **dict.fromkeys(("CD", "$", "#"), "C"),
    **dict.fromkeys(("NN", "NNS", "NNP", "NNPS"), "N"),
    **dict.fromkeys(("PRP", "WP", "EX"), "P"),
    **dict.fromkeys(("RB", "RBR", "RBS"), "R"),
    **dict.fromkeys(("VB", "VBD", "VBP", "VBZ"), "V"),
    "VBG": "G",
    "VBN": "B",
    "MD": "M",
    "TO": "T",
    "POS": "S",
}
# the very big dog, five leading contenders, Slate, the rich, these, 1999, she
MODIFIED = r"D+(?:R*[JCGB])*N+|(?:R*J|C)(?:R*[JC]|[GB](?=[JCN]))*N+|N+|D+(?:R*[JC])+|D+|C+|P"
NOUN_GROUP = rf"(?:{MODIFIED})(?:S(?:{MODIFIED})?)*"
# has not been waiting, to be, wants to have had, could
VERB_GROUP = r"(?:[MT]R*)*[VGB](?:R*(?:TR*)?[VGB])*|M"
GROUP = re.compile(rf"(?P<noun>{NOUN_GROUP})|(?P<verb>{VERB_GROUP})")


@final
@dataclass(frozen=True)
class Group:
    """Words `first` … `last` (the one after) of a sentence; `head` is the tag of its last noun, pronoun or verb."""

    kind: Kind
    first: int
    last: int
    head: str


def groups(tags: Sequence[str]) -> tuple[Group, ...]:
    """The noun and verb groups of a sentence, from left to right, none within another.

    A noun group ends with its head: determiners, adjectives, numbers and participles before it belong to it, what
    follows a preposition does not; a possessive joins two. A verb group is a chain of auxiliaries, adverbs between
    them, and verbs, with `to`. Both are base phrases in the sense of the CoNLL-2000 task, whose corpus is not free;
    unlike there, a possessive does not begin a group, and adjectives alone, prepositions and adverbs are in none.

    Example:
        >>> [(group.kind, group.first, group.last) for group in groups("PRP MD RB VB DT JJ NN IN NNP POS NN".split())]
        [('noun group', 0, 1), ('verb group', 1, 4), ('noun group', 4, 7), ('noun group', 8, 11)]
    """
    letters = "".join(LETTERS.get(tag, "-") for tag in tags)
    found = []
    for match in GROUP.finditer(letters):
        kind: Kind = "noun group" if match["noun"] else "verb group"
        heads = [
            tag for tag, letter in zip(tags[match.start() : match.end()], match[0], strict=True) if letter in "NPVGB"
        ]
        found.append(Group(kind, match.start(), match.end(), heads[-1] if heads else tags[match.end() - 1]))
    return tuple(found)
