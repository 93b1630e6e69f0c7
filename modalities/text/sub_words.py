"""Texts as the sub-words that a transformer takes; exports bring this file along: NumPy and tokenizers alone."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

LONGEST = 64
"""Encoders see so many characters of a word; what is longer (an address, a formula) is cut."""


@final
class Pieces:
    """The sub-words of words, each word on its own, and what the tokenizer puts around a text.

    Words are cut before sub-words are, so that every sub-word belongs to one word, whatever the tokenizer's own idea
    of words is; its log of characters is not needed.

    Args:
        tokenizer: JSON, the content of a `tokenizer.json`.
    """

    def __init__(self, tokenizer: str) -> None:
        self.tokenizer = Tokenizer.from_str(tokenizer)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.size: int = self.tokenizer.get_vocab_size()
        around = self.tokenizer.encode(["a"], is_pretokenized=True)
        inner = [place for place, special in enumerate(around.special_tokens_mask) if not special]
        first, last = (inner[0], inner[-1]) if inner else (0, -1)
        self.before: list[int] = around.ids[:first]
        self.after: list[int] = around.ids[last + 1 :]
        unknown = [self.tokenizer.token_to_id(name) for name in ("[UNK]", "<unk>", "<|endoftext|>")]
        self._unknown = next((number for number in unknown if number is not None), 0)
        self._known: dict[str, list[int]] = {}

    def __call__(self, word: str) -> list[int]:
        """At least one sub-word; what the tokenizer drops altogether is unknown to it."""
        ids = self._known.get(word)
        if ids is None:
            if len(self._known) > 100_000:  # misspelt words never come again
                self._known.clear()
            encoded = self.tokenizer.encode([word], is_pretokenized=True, add_special_tokens=False)
            ids = self._known[word] = list(encoded.ids) or [self._unknown]
        return ids


def numbers_of(pieces: Pieces, texts: Sequence[Sequence[str]], most: int) -> Mapping[str, NDArray[np.int64]]:
    """What an exported encoder takes of texts, each given as its words.

    Args:
        pieces: the tokenizer.
        texts: the words of each.
        most: sub-words that the encoder takes at once, special ones included.

    Returns:
        `ids` (texts × sub-words), `counts` (how many of them each text has), and for every word the place of its first
        sub-word and of the one after its last: `begins` and `ends` (texts × words), equal where there is no word.

    Raises:
        ValueError: if there is nothing, or a text has more sub-words.
    """
    ids: list[list[int]] = []
    begins: list[list[int]] = []
    ends: list[list[int]] = []
    longest_word = most - len(pieces.before) - len(pieces.after)
    for words in texts:
        own = [pieces(word[:LONGEST])[:longest_word] for word in words]
        last = np.cumsum([len(pieces.before), *map(len, own)]).tolist()
        ids.append([*pieces.before, *(number for word in own for number in word), *pieces.after])
        begins.append(last[:-1])
        ends.append(last[1:])
    if not any(ends):
        raise ValueError("expected texts with words, got none")
    longest = max(map(len, ids))
    if longest > most:
        raise ValueError(f"a program takes at most {most} sub-words of a text, got {longest}: cut the text in parts")
    counts = np.array([len(row) for row in ids], dtype=np.int64)
    return {"ids": _padded(ids), "counts": counts, "begins": _padded(begins), "ends": _padded(ends)}


def _padded(rows: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    together: NDArray[Any] = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    for place, row in enumerate(rows):
        together[place, : len(row)] = row
    return together
