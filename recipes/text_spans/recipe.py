"""Groups of words in the shipped sentences, or in the user's text."""

import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal, final

from gestalt.core.components.ranges import Between, Count, Share, check_ranges
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import MergeAlike
from gestalt.core.discovery.regions import GroupRegions
from gestalt.core.discovery.segmenters.in_rounds import Rounds
from gestalt.core.experiment.options import EncoderChoice, Labelling, Running, ViewOptions
from gestalt.core.experiment.own_data import own_data
from gestalt.core.experiment.predictions import Predictions
from gestalt.core.experiment.recipe import AbstractRecipe, Captions, ExperimentData
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.odin_rounds import OdinRounds
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import Network
from gestalt.core.training.options import Training
from gestalt.modalities.text import Passage, Text, chain, dropout_views
from gestalt.modalities.text.chunks import Chunks
from gestalt.modalities.text.noise import Characters
from gestalt.modalities.text.views import Crop, Delete, Noisy, Swap

from .chunked import FromChunks, learned
from .corpus.sentences import Sentence, Sentences, heads, load_corpus
from .frequent import FromFrequent, most_frequent, read_some
from .results import COLUMNS, NOTE, baselines, measure


def spans_finder() -> ObjectFinder:
    """Chunks by a learned grammar, merged while what the network learned of neighbours is alike."""
    return ObjectFinder(MergeAlike(0.5, objects=64), "hidden", regions=GroupRegions(Chunks(), in_order=True))


@final
@dataclass(frozen=True)
class Options:
    """Discover groups of words in text, without labels.

    Trains on the sentences that ship with the package, and evaluates on others, whose noun and verb groups are known;
    or, with --data, trains on your own text. Writes a run folder with report.html.
    """

    window: Annotated[int, Between(4, 1_000_000)] = 64
    """Most words per passage; longer lines and texts are cut (with --data)."""
    lines: bool = True
    """Every line of a plain text file is a passage of its own; --no-lines joins lines into windows (with --data)."""
    column: str = "text"
    """Field of JSON, or column of a table, that holds the text (with --data)."""
    encoding: str | None = None
    """Encoding of files that are not in Unicode: latin-1, cp1252, gb18030, … (with --data)."""
    sentences: Count = 12000
    """Most sentences to train on (without --data)."""
    test_sentences: Annotated[int, Between(2, 1_000_000)] = 400
    """Sentences to evaluate on (without --data)."""
    vocabulary: Count = 4000
    """Sub-words of the tokenizer that transformers get, trained on the sentences or on your text."""
    noise: bool = True
    """Views drop, move and misspell words; --no-noise shows every passage twice, and the encoder's dropout differs."""
    delete: Share = 0.1
    """Share of the words that noise drops from every other view."""
    first: Literal["chunks", "frequent"] = "chunks"
    """Spans that training starts with: those of a grammar of chunks, learned from the training text, or those that
    begin with frequent words."""
    frequent: Count = 100
    """So many words, the most frequent of the training text, begin spans by the rule of frequent words."""
    finder: ObjectFinder = field(default_factory=spans_finder)
    """How spans are found among words, for methods that do not say so themselves."""
    method: AbstractMethod = OdinRounds(rounds=Rounds(200), background=True)
    """What learns."""
    encoder: EncoderChoice = EncoderChoice("conv", {"word_dropout": 0.15, "width": 128})
    """With what network."""
    views: ViewOptions = ViewOptions()
    """From which views."""
    running: Running = field(default_factory=lambda: Running(Path("runs/text-spans")))
    """Where to read and write."""
    labelling: Labelling = Labelling()
    """What is known."""
    training: Training = field(default_factory=lambda: Training(steps=400, batch=48, lr=2e-3, warmup=50))
    """How it is trained."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class TextSpans(AbstractRecipe[Passage, tuple[Sentence, ...]]):
    """Noun and verb groups in the shipped sentences, or groups of words in the user's text."""

    name: ClassVar[str] = "text-spans"
    summary: ClassVar[str] = "discover groups of words in text, without labels"
    options_type = Options
    captions = Captions(
        title="Groups of words",
        shipped="shipped sentences",
        own="passages of your text",
        objects="spans",
        exhibits="Every coloured block is one discovered span.",
        truth="Grey bars are the true groups.",
        snippet="passages → one vector a word",
    )
    columns = COLUMNS
    note = NOTE
    free = frozenset({"test_sentences"})

    def __init__(self, options: Options) -> None:
        self.options = self._own = options
        self.modality = Text(
            options.window, options.lines, options.column, options.vocabulary, encoding=options.encoding
        )
        self.finder = copy.deepcopy(options.finder)  # its grammar of chunks is learned from the data

    def data(self) -> ExperimentData[Passage, tuple[Sentence, ...]]:
        """Sentences, or passages of the user's text; the grammar of chunks is learned from either."""
        options = self._own
        pair = views(options.delete) if options.noise else dropout_views()
        own = bool(options.running.data)
        data = own_data(self.modality, options.running, pair) if own else shipped(options, pair)
        passages = read_some(data.items)
        frequent = FromFrequent(most_frequent(passages, options.frequent))
        chunks = FromChunks(learned(self.finder, passages, options.training.seed))
        self._rules: dict[str, FromFrequent | FromChunks] = {
            "frequent words": frequent,
            "chunks learned from punctuation": chunks,
        }
        return replace(data, first_segments=chunks if options.first == "chunks" else frequent)

    def measure(self, predictions: Predictions, truth: tuple[Sentence, ...]) -> dict[str, float]:
        """Spans and types."""
        return measure(predictions, truth, self.options.training.seed)

    def baselines(
        self, random: Network, data: ExperimentData[Passage, tuple[Sentence, ...]], truth: tuple[Sentence, ...]
    ) -> dict[str, dict[str, float]]:
        """Features of letters, a random encoder, chance, and the rules of the field."""
        return baselines(random, self.finder, self._rules, data.evaluated, truth, self.options.training.seed)


def views(delete: float) -> Views[Passage]:
    """Two views of every passage, in which words are dropped, moved and misspelt."""
    steps = [
        (0.5, Crop(0.7, 1.0, shortest=6)),
        (0.5, Delete(delete)),
        (0.2, Swap(0.05)),
        (0.5, Noisy(Characters(), 0.1)),
    ]
    return Views(chain(), (chain(*steps),) * 2)


def shipped(options: Options, pair: Views[Passage]) -> ExperimentData[Passage, tuple[Sentence, ...]]:
    """The shipped sentences; the class of a word is the tag that heads its group."""
    corpus = load_corpus()
    items = Sentences(corpus.train[: options.sentences])
    evaluated = (corpus.validation if options.running.validate else corpus.test)[: options.test_sentences]
    return ExperimentData(
        items,
        pair,
        tuple(one.item for one in evaluated),
        tuple(f"sentence {number + 1}" for number in range(len(evaluated))),
        evaluated,
        [one.truth for one in evaluated],
        label=lambda index: heads(items.sentences[index]),
        evaluated_label=lambda place: heads(evaluated[place]),
    )
