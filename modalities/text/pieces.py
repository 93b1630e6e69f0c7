"""Sub-words: tokenizers trained on the user's own text, and the rows that a transformer takes."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain

import numpy as np
import tokenizers
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer

from gestalt.core.data.items import AbstractItems, BadItemError, first_readable

from .data import Passage
from .sub_words import Pieces

ENOUGH = 20_000
"""So many passages are enough to learn a tokenizer from."""
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LEAST = len(SPECIAL) + len(ByteLevel.alphabet())
"""Sub-words of the smallest tokenizer: special ones and single bytes."""


def train_tokenizer(passages: Iterable[Passage], size: int = 4000) -> str:
    """A tokenizer of at most `size` sub-words, learned from these passages, as JSON for an encoder's settings.

    Byte pairs are merged by how often they occur; bytes are in it from the start, so that no text is unknown.

    Source: Sennrich et al. (2016) on bytes, as GPT-2 has it; the special tokens are BERT's.
    """
    if size < LEAST:
        raise ValueError(f"a tokenizer of bytes has at least {LEAST} sub-words, got size={size}")
    trainer = BpeTrainer(
        vocab_size=size, special_tokens=list(SPECIAL), initial_alphabet=ByteLevel.alphabet(), show_progress=False
    )
    tokenizer = Tokenizer(BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(_words(passages), trainer)
    return _finished(tokenizer)


def learned_tokenizer(items: AbstractItems[Passage], size: int = 4000) -> str:
    """A tokenizer of at most `size` sub-words, learned from up to 20 000 passages, evenly over all of them.

    Passages that cannot be read are left to training, which says so.

    Raises:
        ValueError: if no passage can be read.
    """
    passages = _sampled(items)
    first = next(passages, None)
    return train_tokenizer(chain([first_readable(items) if first is None else first], passages), size)


def _sampled(items: AbstractItems[Passage]) -> Iterator[Passage]:
    rng = np.random.default_rng(0)
    for place in np.linspace(0, len(items) - 1, min(len(items), ENOUGH)).astype(int).tolist():
        try:
            yield items.read(place, rng)
        except BadItemError:
            continue


@lru_cache(maxsize=1)
def byte_tokenizer() -> str:
    """A tokenizer of single bytes, for encoders that were given none."""
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *sorted(ByteLevel.alphabet())])}
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=[], unk_token="[UNK]"))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(list(SPECIAL))
    return _finished(tokenizer)


def _words(passages: Iterable[Passage]) -> Iterator[tuple[str, ...]]:
    for passage in passages:
        yield passage.words


def _finished(tokenizer: Tokenizer) -> str:
    tokenizer.decoder = ByteLevelDecoder()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, SPECIAL.index(name)) for name in ("[CLS]", "[SEP]")]
    )
    text: str = tokenizer.to_str()
    return text


@lru_cache(maxsize=4)
def pieces_of(tokenizer: str) -> Pieces:
    """Online network and teacher share one tokenizer and what it remembers.

    Raises:
        ValueError: if the JSON is no tokenizer.
    """
    try:
        return Pieces(tokenizer)
    except Exception as error:  # the library raises a bare Exception
        raise ValueError(
            f"this is no tokenizer that tokenizers {tokenizers.__version__} can read ({error}); give what "
            "train_tokenizer returned, or the content of a tokenizer.json"
        ) from error
