"""What is computed from a passage: its surface, without any knowledge of a language."""

import math
from collections import Counter
from collections.abc import Sequence

from .data import Passage


def statistics(passage: Passage) -> dict[str, float]:
    """Surface features of a passage, shares over its words unless said otherwise; NaN for those of no word.

    Marks are words without any letter or digit. Diversity is the number of different words over the square root of all
    (Guiraud's index), so that it depends little on the length.

    Example:
        >>> found = statistics(Passage.of("The old man saw the sea."))
        >>> found["marks"], round(found["letters a word"], 2)
        (0.14285714285714285, 3.0)
    """
    words = passage.words
    marks = [not any(letter.isalnum() for letter in word) for word in words]
    said = [word for word, mark in zip(words, marks, strict=True) if not mark]
    folded = [word.casefold() for word in said]
    lengths = [len(word) for word in said]
    letters = Counter(letter for word in folded for letter in word if letter.isalpha())
    total = sum(letters.values())
    return {
        "words": math.log1p(len(said)),
        "marks": sum(marks) / len(words),
        "sentence marks": sum(word[-1] in ".!?。！？…" for word in words) / len(words),
        "commas": sum(word in ",;:、，；：" for word in words) / len(words),
        "brackets and quotes": sum(word in "()[]{}\"'«»“”‘’„" for word in words) / len(words),
        "letters a word": _share(lengths, len(said)),
        "deviation of letters": _deviation(lengths),
        "longest word": math.log1p(max(lengths, default=0)),
        "short words": _share([length <= 3 for length in lengths], len(said)),
        "capitals": _share([word[:1].isupper() for word in said], len(said)),
        "all capitals": _share([len(word) > 1 and word.isupper() for word in said], len(said)),
        "digits": _share([any(letter.isdigit() for letter in word) for word in said], len(said)),
        "compounds": _share([not word.isalnum() for word in said], len(said)),
        "beyond ASCII": _share([not word.isascii() for word in said], len(said)),
        "diversity": len(set(folded)) / math.sqrt(len(folded)) if folded else math.nan,
        "repetition": _share(list(Counter(folded).most_common(1)[0][1:]), len(folded)) if folded else math.nan,
        "entropy of letters": -sum(n / total * math.log2(n / total) for n in letters.values()) if total else math.nan,
        "vowels": sum(letters[letter] for letter in "aeiouyäöüåæøéèà") / total if total else math.nan,
    }


def _share(counted: Sequence[int], total: int) -> float:
    return sum(counted) / total if total else math.nan


def _deviation(values: Sequence[int]) -> float:
    if not values:
        return math.nan
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
