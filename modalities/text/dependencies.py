"""The dependency tree of a sentence in CoNLL-U, over the words as they are read from there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from gestalt.core.data.trees import ItemTree
from gestalt.core.tables.lines import split_lines

from .columns import cells_of

HEAD, DEPREL = 6, 7
"""Columns of CoNLL-U and CoNLL-X, from 0."""
UNKNOWN = "_"


@final
@dataclass(frozen=True)
class Word:
    """A line of CoNLL-U: `number` of the word, its parent (0: none, None: not known), and the word it is read in."""

    number: int
    parent: int | None
    relation: str
    token: int


def tree_of(text: str) -> ItemTree | None:
    r"""The tree over the words of a sentence, as `Conll` cuts them; None where no HEAD is known.

    Empty nodes are left out. Several words in one (`1-2  vámonos`) are one, which hangs where its topmost word hangs:
    that is a tree again, since whatever hangs on its other words is deeper.

    Raises:
        ValueError: if it is no tree with one root.

    Example:
        >>> rows = ["1-2 vámonos _ _", "1 vamos 0 root", "2 nos 1 obj", "3 ya 2 adv"]
        >>> lines = "\n".join("\t".join((a, b, *"____", c, d, "_", "_")) for a, b, c, d in map(str.split, rows))
        >>> tree = tree_of(lines)
        >>> tree.parents.tolist(), tree.relations
        ([0, 0], ('root', 'adv'))
    """
    words = _words(text)
    if all(word.parent is None for word in words):
        return None
    depths = _checked(words)
    of_number = {word.number: word.token for word in words}
    top = dict[int, Word]()
    for word in words:
        before = top.get(word.token)
        if before is None or depths[word.number] < depths[before.number]:
            top[word.token] = word
    if sorted(top) != list(range(len(top))):
        raise ValueError("has a line for several words, and not the lines of these words")
    parents, relations = [-1] * len(top), [""] * len(top)
    for token, word in top.items():
        if word.parent is not None:
            parents[token] = of_number[word.parent] if word.parent else token
        relations[token] = "" if word.relation == UNKNOWN else word.relation
    return ItemTree.of(parents, relations)


def _words(text: str) -> list[Word]:
    words, token, covered = list[Word](), -1, 0
    for line in split_lines(text):
        cells = cells_of(line)
        if not line.strip() or line.startswith("#") or "." in cells[0]:
            continue
        if "-" in cells[0]:
            token, covered = token + 1, int(cells[0].rpartition("-")[2])
            continue
        if len(cells) <= DEPREL or not cells[0].isdecimal():
            raise ValueError(f"has a line without HEAD and DEPREL in columns 7 and 8: {line.strip()[:60]!r}")
        number, head = int(cells[0]), cells[HEAD].strip()
        if not (head.isdecimal() or head == UNKNOWN):
            raise ValueError(f"has HEAD {head!r} of word {number}, which is no number of a word")
        token += number > covered
        words.append(Word(number, None if head == UNKNOWN else int(head), cells[DEPREL].strip(), token))
    return words


def _checked(words: Sequence[Word]) -> dict[int, int]:
    """How deep every word hangs; what is not known is above everything.

    Raises:
        ValueError: for a parent that there is not, a circle, and roots that are not one.
    """
    parents = {word.number: word.parent for word in words}
    if len(parents) < len(words):
        twice = Counter(word.number for word in words).most_common(1)[0][0]
        raise ValueError(f"has two words of the number {twice}")
    for number, parent in parents.items():
        if parent and parent not in parents:
            raise ValueError(f"has HEAD {parent} of word {number}, and there is no such word")
    depths = dict[int, int]()
    for number in parents:
        at, path = number, list[int]()
        while at not in depths and (above := parents[at]):
            path.append(at)
            at = above
            if len(path) > len(parents):
                raise ValueError(f"is no tree: the parents of word {number} go round in a circle")
        depth = depths.setdefault(at, 0)
        for place, below in enumerate(reversed(path), start=1):
            depths[below] = depth + place
    roots = [number for number, parent in parents.items() if parent == 0]
    if len(roots) > 1 or (not roots and None not in parents.values()):
        raise ValueError(f"is no tree: {len(roots)} words have HEAD 0 {tuple(roots)}, and one is the root")
    return depths
