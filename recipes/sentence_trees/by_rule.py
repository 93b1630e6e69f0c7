"""Dependency trees of tagged sentences by rules over their tags: the truth that a parser of words is held against."""

from collections.abc import Sequence

from gestalt.core.data.trees import ItemTree

from ..text_spans.corpus.grammar import LETTERS, Group, groups

MEMBERS = {"D": "det", "P": "det", "J": "amod", "C": "nummod", "N": "compound", "R": "advmod", "S": "case", "T": "mark"}
"""What words of a group are to its head, by the letters of the grammar; verbs are `aux`, in a noun group `amod`."""
PREPOSITIONS = ("IN", "TO")


def tree_of_tags(tags: Sequence[str]) -> ItemTree:
    """The tree of a sentence.

    Words of a noun or verb group hang on its head. The head of the first verb group is the root, further verbs hang on
    the verb before. A noun behind a preposition hangs on that, one before a verb is its subject, one behind it its
    object; a preposition hangs on the head before it. Where a sentence is more than that, the tree is a convention, and
    the same one wherever it is.

    Example: "The old man saw her in a boat ."

        >>> tree = tree_of_tags("DT JJ NN VBD PRP IN DT NN .".split())
        >>> tree.parents.tolist()
        [2, 2, 3, 3, 3, 4, 7, 5, 3]
        >>> " ".join(tree.relations)
        'det amod nsubj root obj prep det pobj punct'
    """
    found, count = groups(tags), len(tags)
    parents, relations = [-1] * count, ["dep"] * count
    heads = [_head(group, tags) for group in found]
    verbs = [head for group, head in zip(found, heads, strict=True) if group.kind == "verb group"]
    root = verbs[0] if verbs else (heads[0] if heads else 0)
    for group, head in zip(found, heads, strict=True):
        for word in {*range(group.first, group.last)} - {head}:
            parents[word] = head
            verbal = "amod" if group.kind == "noun group" else "aux"
            relations[word] = MEMBERS.get(LETTERS.get(tags[word], "-"), verbal)
    inside = {word: place for place, group in enumerate(found) for word in range(group.first, group.last)}
    for place, (group, head) in enumerate(zip(found, heads, strict=True)):
        before = [verb for verb in verbs if verb < head]
        follows = found[place + 1].kind == "verb group" if place + 1 < len(found) else False
        prepositional = group.first > 0 and group.first - 1 not in inside and tags[group.first - 1] in PREPOSITIONS
        if group.kind == "verb group":
            parents[head], relations[head] = (before[-1] if before else root), "conj"
        elif prepositional:
            parents[head], relations[head] = group.first - 1, "pobj"
        elif follows:
            parents[head], relations[head] = heads[place + 1], "nsubj"
        else:
            parents[head], relations[head] = (before[-1] if before else root), "obj" if before else "dep"
    for word in range(count):
        if word not in inside:
            parents[word], relations[word] = _outside(word, tags, found, heads, root)
    parents[root], relations[root] = root, "root"
    return ItemTree.of(parents, relations)


def _head(group: Group, tags: Sequence[str]) -> int:
    """The last noun, pronoun or verb of a group; its last word where it has none."""
    words = range(group.first, group.last)
    return next((word for word in reversed(words) if LETTERS[tags[word]] in "NPVGB"), group.last - 1)


def _outside(
    word: int, tags: Sequence[str], found: Sequence[Group], heads: Sequence[int], root: int
) -> tuple[int, str]:
    """Where a word that is in no group hangs."""
    tag = tags[word]
    before = [head for group, head in zip(found, heads, strict=True) if group.last <= word]
    behind = [head for group, head in zip(found, heads, strict=True) if group.first > word]
    if tag in PREPOSITIONS:
        return (before[-1] if before else root), "prep"
    if tag == "CC":
        return (behind[0] if behind else root), "cc"
    if LETTERS.get(tag) == "R":
        return (before[-1] if before else root), "advmod"
    return root, "dep" if tag.isalpha() else "punct"
