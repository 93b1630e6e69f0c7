"""Dependency trees that come with texts, in CoNLL-U, matched to the passages word by word."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import final

import numpy as np
import torch

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.data.trees import AbstractTrees, ItemTree
from gestalt.core.modality.pairing import NamedFiles, files_below, must_exist

from .conll import Conll
from .data import Passage
from .dependencies import tree_of
from .reading import TextFiles

SUFFIXES = frozenset((".conllu", ".conllx", ".conll"))
ADVICE = "fix it, or leave it out with --skip-bad"


@final
@dataclass
class WordTrees(AbstractTrees[Passage]):
    """The trees of passages by their numbers; what is no tree is known by its place and what is wrong with it."""

    parents: dict[int, np.ndarray] = field(default_factory=dict)
    relations: dict[int, np.ndarray] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    wrong: dict[int, tuple[str, str]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def add(self, index: int, tree: ItemTree) -> None:
        """The tree of a passage."""
        self.parents[index] = tree.parents.numpy().astype(np.int32)
        numbers = [self.names.setdefault(name, len(self.names)) for name in tree.relations]
        self.relations[index] = np.array(numbers, dtype=np.int32)

    def has(self, index: int) -> bool:
        """Whether there is one, be it wrong."""
        return index in self.parents or index in self.wrong

    def of_item(self, index: int, item: Passage) -> ItemTree | None:
        """The parents and relations of its words."""
        if index in self.wrong:
            raise BadItemError(*self.wrong[index])
        if index not in self.parents:
            return None
        parents = self.parents[index]
        if len(parents) != len(item.words):
            raise BadItemError(
                f"passage {index + 1}",
                f"has {len(item.words)} words, and its tree {len(parents)}: its file was changed; run again",
            )
        called = list(self.names)
        relations = tuple(called[number] for number in self.relations[index].tolist())
        return ItemTree(torch.from_numpy(parents.astype(np.int64)), relations, torch.ones(len(parents)))


@final
@dataclass(frozen=True)
class Sentence:
    """A sentence of CoNLL-U: where it begins, its words, and its tree or what is wrong with that."""

    place: str
    words: tuple[str, ...]
    tree: ItemTree | None
    problem: str


def read_trees(path: Path, items: AbstractItems[Passage], skipped: Sequence[Skipped] = ()) -> AbstractTrees[Passage]:
    """The trees in a file of CoNLL-U, or in a folder of such files that are named like the texts.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if it holds no CoNLL-U, or its words are not those of the texts; or if the passages are no parts of
            files.
    """
    must_exist(path)
    if not isinstance(items, TextFiles):
        raise ValueError(f"trees belong to texts by the names of files, and these are no files: {items.name(0)}")
    files, trees = NamedFiles(items.paths, skipped), WordTrees()
    if path.is_dir():
        pairs = files.paired(files_below(path, SUFFIXES), lambda own: f"the file {own}")
        if not pairs:
            raise ValueError(f"{path} holds no files of CoNLL-U ({' '.join(sorted(SUFFIXES))}) named like the texts")
        for number, own in pairs.items():
            _lay(own, items, items.items(items.paths[number]), trees, bool(skipped))
        return replace(trees, unused=files.unused)
    try:
        number_of_file = files.number(path.stem, str(path))
    except ValueError:
        numbers = range(len(items))
    else:
        numbers = range(0) if number_of_file is None else items.items(files.paths[number_of_file])
    _lay(path, items, numbers, trees, bool(skipped))
    return trees


def _sentences(path: Path, some_left_out: bool) -> Iterable[Sentence]:
    """Sentences in their order; one whose words cannot be read is left out where the texts are too.

    Raises:
        ValueError: otherwise, and if the file has no columns of CoNLL-U.
    """
    form = Conll.of(path, None)
    if form.column != 1:
        raise ValueError(f"{path} holds no columns of CoNLL-U, whose first numbers the words, so it has no trees")
    for record in form.records():
        place = f"{path}:{record.number}"
        try:
            passage = form.passage(record.text)
        except ValueError as error:
            if some_left_out:
                continue
            raise ValueError(f"{place} {error}; {ADVICE}") from error
        if passage is None:
            continue
        try:
            tree, problem = tree_of(record.text), ""
        except ValueError as error:
            tree, problem = None, f"{error}; {ADVICE}"
        if tree is not None and len(tree.parents) != len(passage.words):
            said = f"has {len(passage.words)} words, and numbers that make a tree of {len(tree.parents)}"
            tree, problem = None, f"{said}; {ADVICE}"
        yield Sentence(place, passage.words, tree, problem)


def _lay(path: Path, items: TextFiles, numbers: range, trees: WordTrees, some_left_out: bool) -> None:
    """Give the passages their sentences, in order; a sentence may be cut into several passages.

    Raises:
        ValueError: if their words are not the same.
    """
    waiting = iter(numbers)
    rng = np.random.default_rng(0)
    for sentence in _sentences(path, some_left_out):
        own, words = list[int](), list[str]()
        while len(words) < len(sentence.words) and (number := next(waiting, -1)) >= 0:
            own.append(number)
            words += items.read(number, rng).words
        if not own:
            raise ValueError(f"{sentence.place} goes on with {' '.join(sentence.words[:8])!r}, and the texts end")
        if tuple(words) != sentence.words:
            pairs = enumerate(zip(words, chain(sentence.words, [""] * len(words)), strict=False))
            at, (mine, theirs) = next((one for one in pairs if one[1][0] != one[1][1]), (len(words) - 1, ("", "")))
            raise ValueError(
                f"{sentence.place} has {theirs!r} as word {at + 1} of its sentence, and {items.name(own[0])} {mine!r}; "
                "trees are of the words as they are cut there: let the file of CoNLL-U be the data, too"
            )
        for index in own:
            if sentence.problem:
                trees.wrong[index] = (sentence.place, sentence.problem)
            elif sentence.tree is not None:
                trees.add(index, sentence.tree)
