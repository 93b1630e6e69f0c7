"""Text cut into words, and put together again, without losing a character."""

import re
import sys
import unicodedata
from functools import lru_cache

# Scripts that are written without spaces: every character is an element, with the marks that belong to it.
WITHOUT_SPACES = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)


def split(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a text and the white space around them: `gaps[0] + words[0] + gaps[1] + … + gaps[-1] == text`.

    A word is a run of letters and digits, held together by single hyphens, apostrophes, full stops and the like within
    it (`full-time`, `don't`, `5.30`, `a@b.org`), soft hyphens too; or one other visible character, repeated or not
    (`…`, `--`); or, in scripts that are written without spaces, one character. Marks stay with their letter.

    Example:
        >>> split("Don't pay $1,000--yet… ")
        (("Don't", 'pay', '$', '1,000', '--', 'yet', '…'), ('', ' ', ' ', '', '', '', '', ' '))
        >>> split("東京へ go")[0]
        ('東', '京', 'へ', 'go')
    """
    words, gaps, end = [], [], 0
    for match in _pattern().finditer(text):
        gaps.append(text[end : match.start()])
        words.append(match[0])
        end = match.end()
    return tuple(words), (*gaps, text[end:])


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    # The standard library's \w leaves out combining marks, and with them half of every Indic word.
    marks = _marks()
    letter = rf"(?:(?![{WITHOUT_SPACES}])\w[{marks}\u200c\u200d]*)"
    inside = rf"(?:://|[.@/'’&\-\u00ad](?={letter})|(?<=\d)[,:](?=\d))"
    # Runs of these are found at once, many times as fast as letter by letter; what is found is the same.
    run = rf"(?:[A-Za-z0-9_]+[{marks}\u200c\u200d]*|{letter})+"
    return re.compile(
        rf"{run}(?:{inside}{run})*"
        rf"|[{WITHOUT_SPACES}][{marks}]*"
        rf"|(?P<other>\S)(?:(?P=other)|[{marks}]|\u200d\S)*"
    )


def _marks() -> str:
    """All marks as ranges of a class of characters: the regular expression tries a few hundred, not thousands."""
    ranges, last = list[str](), -1
    for code in range(0x300, sys.maxunicode):  # in one loop: a call for every character takes seconds
        if unicodedata.category(chr(code))[0] != "M":
            continue
        if code == last + 1:
            ranges[-1] = f"{ranges[-1][0]}-{chr(code)}"
        else:
            ranges.append(chr(code))
        last = code
    return "".join(ranges)
