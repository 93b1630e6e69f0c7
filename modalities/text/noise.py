"""What may happen to a single word: misspellings, slips of the finger, other words for the same.

nlpaug is asked word by word: its own tokeniser and its logs lose track of words, its noise within a word is sound.
"""

import abc
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import numpy as np

from gestalt.core.components.ranges import Share, check_ranges
from gestalt.core.data.items import BadItemError


class AbstractNoise(abc.ABC):
    """One change to one word."""

    @abc.abstractmethod
    def __call__(self, word: str, rng: np.random.Generator) -> str:
        """The changed word, or the same where there is nothing to change."""


@final
class Keyboard(AbstractNoise):
    """Neighbouring keys struck instead of the right ones (nlpaug); words below four letters stay.

    Args:
        language: one of nlpaug's layouts: `en`, `de`, `es`, `fr`, `he`, `it`, `nl`, `pl`, `th`, `tr`, `uk`.
        share: of the letters of a word.
    """

    def __init__(self, language: str = "en", share: Share = 0.2) -> None:
        self.language = language
        self.share = share
        check_ranges(self)

    def __call__(self, word: str, rng: np.random.Generator) -> str:
        """Another spelling."""
        return _augmented(_keyboard(self.language, self.share), word, rng)


@final
class Spelling(AbstractNoise):
    """A common English misspelling of the word, from nlpaug's list; words that are not in it stay."""

    def __call__(self, word: str, rng: np.random.Generator) -> str:
        """Another spelling."""
        return _augmented(_spelling(), word, rng)


@final
class Scanned(AbstractNoise):
    """Letters that a scanner takes for others, such as 0 for o (nlpaug)."""

    def __call__(self, word: str, rng: np.random.Generator) -> str:
        """Another spelling."""
        return _augmented(_scanned(), word, rng)


@final
class Characters(AbstractNoise):
    """Letters swapped, dropped, doubled or replaced by others of the word, in any script; the first stays.

    Args:
        share: of the letters of a word, at least one; words of one character stay.
    """

    def __init__(self, share: Share = 0.15) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, word: str, rng: np.random.Generator) -> str:
        """Another spelling."""
        letters = list(word)
        for _ in range(max(1, round(self.share * len(letters)))):
            if len(letters) < 2:
                break
            place, action = int(rng.integers(1, len(letters))), int(rng.integers(4))
            if action == 0 and len(letters) > 2:
                del letters[place]
            elif action == 1:
                letters.insert(place, letters[place])
            elif action == 2 and place > 1:
                letters[place - 1], letters[place] = letters[place], letters[place - 1]
            else:
                letters[place] = letters[int(rng.integers(len(letters)))]
        return "".join(letters)


@final
class Synonyms(AbstractNoise):
    """Another word from a table of your own: nothing is downloaded, and the package brings no dictionary.

    Args:
        table: for a word, what may stand for it. A word is searched as it is, then in lower case; a capital is kept.

    Example:
        >>> Synonyms({"big": ["large"]})("Big", np.random.default_rng(0))
        'Large'
    """

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self.table = {word: tuple(others) for word, others in table.items()}

    @classmethod
    def read(cls, path: Path) -> "Synonyms":
        """A table from a file: on every line a word, a comma, and what may stand for it, separated by commas.

        Raises:
            BadItemError: at the first line that has no comma, or is not in UTF-8.
        """
        table: dict[str, tuple[str, ...]] = {}
        for number, content in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                words = [word.strip() for word in content.decode("utf-8-sig").split(",")]
            except UnicodeDecodeError as error:
                raise BadItemError(f"{path}:{number}", f"is not in UTF-8 ({error.reason}); convert the file") from error
            if not content.strip():
                continue
            if len(words) < 2 or not all(words):
                raise BadItemError(
                    f"{path}:{number}",
                    f"must be a word and its synonyms, separated by commas, got {', '.join(words)!r}",
                )
            table[words[0]] = table.get(words[0], ()) + tuple(words[1:])
        return cls(table)

    def __call__(self, word: str, rng: np.random.Generator) -> str:
        """One of the others; the word itself if the table does not have it."""
        others = self.table.get(word) or self.table.get(word.lower(), ())
        if not others:
            return word
        other = others[int(rng.integers(len(others)))]
        return other[:1].upper() + other[1:] if word[:1].isupper() and word not in self.table else other


@final
class Reserved(AbstractNoise):
    """Another word of the same group (nlpaug's reserved words): names of one company, say, or abbreviations.

    Args:
        groups: words that may stand for one another.
    """

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        self.groups = tuple(tuple(group) for group in groups)

    def __call__(self, word: str, rng: np.random.Generator) -> str:
        """One of the group; the word itself if it is in none."""
        return _augmented(_reserved(self.groups), word, rng)


def _augmented(augmenter: Any, word: str, rng: np.random.Generator) -> str:
    with _global_seed(rng):
        found = augmenter.augment(word)
    return str(found[0]) if found else word


@contextmanager
def _global_seed(rng: np.random.Generator) -> Iterator[None]:
    """nlpaug draws from the global generator alone: it is seeded from `rng` and put back as it was."""
    state = random.getstate()
    random.seed(int(rng.integers(2**63)))
    try:
        yield
    finally:
        random.setstate(state)


def _whole(text: str) -> list[str]:
    """A tokeniser for what is one word already; nlpaug's own takes `don't` apart."""
    return [text]


def _joined(words: Sequence[str]) -> str:
    return "".join(words)


# The augmenters read files when they are made, so that one of each is kept per process, and none travels to workers.
@lru_cache(maxsize=8)
def _keyboard(language: str, share: float) -> Any:
    from nlpaug.augmenter.char import KeyboardAug

    return KeyboardAug(
        aug_char_p=share, aug_word_p=1.0, lang=language, include_special_char=False, include_numeric=False,
        tokenizer=_whole, reverse_tokenizer=_joined,
    )  # fmt: skip


@lru_cache(maxsize=1)
def _spelling() -> Any:
    from nlpaug.augmenter.word import SpellingAug

    augmenter: Any = SpellingAug(aug_p=1.0, tokenizer=_whole, reverse_tokenizer=_joined)
    for spellings in augmenter.model.dict.values():
        spellings.sort()  # the library lists them in the order of a set, which every process has its own of
    return augmenter


@lru_cache(maxsize=1)
def _scanned() -> Any:
    from nlpaug.augmenter.char import OcrAug

    return OcrAug(aug_word_p=1.0, aug_char_min=1, tokenizer=_whole, reverse_tokenizer=_joined)


@lru_cache(maxsize=8)
def _reserved(groups: tuple[tuple[str, ...], ...]) -> Any:
    from nlpaug.augmenter.word import ReservedAug

    return ReservedAug([list(group) for group in groups], aug_p=1.0, tokenizer=_whole, reverse_tokenizer=_joined)
