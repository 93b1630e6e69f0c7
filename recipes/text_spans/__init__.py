"""The recipe `text-spans`: discover groups of words in text, without labels."""

from gestalt.core import experiment as study

from .options import Options as Options
from .outputs import discover as discover
from .outputs import embed as embed
from .spans import TextSpans as TextSpans


def run(options: Options) -> int:
    """Train, evaluate, save and report; the exit code (130 if it was interrupted)."""
    return study.run(TextSpans(options))
