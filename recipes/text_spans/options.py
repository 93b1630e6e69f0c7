"""The whole configuration of the recipe `text-spans`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

from gestalt.core.experiment import Learning, Running
from gestalt.core.training import Training

from .finding import FinderOptions


@final
@dataclass(frozen=True)
class Looking:
    """How passages are looked at in training."""

    views: Literal["noise", "dropout"] = "noise"
    """noise drops, moves and misspells words; dropout shows the passage twice, and the encoder's dropout differs."""
    delete: float = 0.1
    """Share of the words that noise drops from every other view."""
    word_dropout: float = 0.15
    """Share of the words that the encoder `conv` hides from itself in training."""
    width: int = 128
    """Width of the encoder `conv`."""


@final
@dataclass(frozen=True)
class Options:
    """Discover groups of words in text, without labels.

    Trains on the sentences that ship with the package, and evaluates on others, whose noun and verb groups are known;
    or, with --data, trains on your own text. Writes a run folder with report.html.
    """

    window: int = 64
    """Most words per passage; longer lines and texts are cut (with --data)."""
    lines: bool = True
    """Every line of a plain text file is a passage of its own; --no-lines joins lines into windows (with --data)."""
    column: str = "text"
    """Field of JSON Lines, or column of a table, that holds the text (with --data)."""
    sentences: int = 12000
    """Most sentences to train on (without --data)."""
    test_sentences: int = 400
    """Sentences to evaluate on (without --data)."""
    vocabulary: int = 4000
    """Sub-words of the tokenizer that transformers get, trained on the sentences or on your text."""
    looking: Looking = field(default_factory=Looking)
    """How passages are looked at."""
    finder: FinderOptions = field(default_factory=FinderOptions)
    """How spans are found among words."""
    running: Running = field(default_factory=lambda: Running(Path("runs/text-spans")))
    """Where to read and write."""
    learning: Learning = field(default_factory=Learning)
    """What learns."""
    training: Training = field(default_factory=lambda: Training(steps=400, batch=48, lr=2e-3, warmup=50))
    """How to train."""

    def __post_init__(self) -> None:
        if self.window < 4 or self.sentences < 1 or self.test_sentences < 2:
            raise ValueError(
                "--window must be at least 4, --sentences 1 and --test-sentences 2, "
                f"got {self.window}, {self.sentences} and {self.test_sentences}"
            )
