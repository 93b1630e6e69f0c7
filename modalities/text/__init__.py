"""Text: passages, their words, and the groups of words in them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.ranges import Between, check_ranges
from gestalt.core.data.items import AbstractItems, Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.data.places import Places, one_grid
from gestalt.core.data.trees import AbstractTrees, ItemTree
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.modality.base import AbstractModality, Reading, Specimen
from gestalt.core.modality.in_python import FromPython, Things
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.modality.transplant import Transplant
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.tables.encoding import check_encoding

from .choices import CHOICES
from .data import Passage as Passage
from .data import Words as Words
from .data import collate as collate
from .data import passage_of
from .dilated import Dilated
from .encoders import Conv, Letters
from .given_masks import read_masks, shown_masks
from .given_trees import read_trees
from .noise import Characters, Keyboard, Reserved, Scanned, Spelling, Synonyms
from .outputs import element_columns, write_objects, write_trees
from .pieces import LEAST
from .pieces import learned_tokenizer as learned_tokenizer
from .pieces import train_tokenizer as train_tokenizer
from .reading import TextFiles as TextFiles
from .reading import each_passage as each_passage
from .reading import read_text
from .render import render
from .render_object import render_object
from .spans import Span as Span
from .spans import bio_lines as bio_lines
from .spans import json_line as json_line
from .spans import spans_of as spans_of
from .specimens import specimens
from .statistics import statistics
from .transformer import bert, distilbert, minilm, roberta
from .transplants import transplant
from .views import Crop, Delete, Insert, Noisy, Swap
from .views import chain as chain
from .views import default_views as default_views
from .views import dropout_views as dropout_views
from .word_transformer import WordTransformer

# No dictionary is offline: these few words only show the form of a table, and let the conformance suite run.
EXAMPLE: Mapping[str, Sequence[str]] = {
    "big": ("large", "great"),
    "old": ("aged",),
    "boat": ("ship", "vessel"),
    "man": ("fellow",),
    "knew": ("guessed",),
    "turn": ("rotate",),
}

UNTRAINED = ("bert", "roberta", "distilbert")
"""Encoders whose tokenizer is learned from the data: `minilm` brings the one that it was trained with."""


@final
class Text(AbstractModality[Passage]):
    """Passages of at most `window` words; objects are groups of words.

    Args:
        window: most words per item; longer lines and records become several items, which end behind sentences.
        margin: words on either side of such an item that the network sees beside it once it has learned.
        lines: every line of a plain text file is an item; otherwise its lines are joined into windows.
        field: the field of JSON, or the column of a table, that holds the text.
        vocabulary: sub-words of the tokenizer that `encoder_settings` learns; bytes and special ones are among them.
        encoding: of files that are not in Unicode (latin-1, cp1252, gb18030, …); None refuses them.

    Example:
        >>> sorted(MODALITY.encoders)
        ['bert', 'conv', 'dilated', 'distilbert', 'minilm', 'raw', 'roberta', 'transformer']
    """

    name: ClassVar[str] = "text"
    element: ClassVar[str] = "word"
    sequence: ClassVar[bool] = True

    def __init__(
        self,
        window: Annotated[int, Between(1, 1_000_000)] = 128,
        lines: bool = True,
        field: str = "text",
        vocabulary: Annotated[int, Between(LEAST, 10_000_000)] = 4000,
        encoding: str | None = None,
        margin: Annotated[int, Between(0, 1_000_000)] = 32,
    ) -> None:
        self.window = window
        self.lines = lines
        self.field = field
        self.vocabulary = vocabulary
        self.encoding = encoding
        self.margin = margin
        check_ranges(self)
        if encoding is not None:
            check_encoding(encoding)
        self.encoders: Mapping[str, Callable[..., AbstractEncoder]] = {
            "raw": Letters,
            "conv": Conv,
            "dilated": Dilated,
            "transformer": WordTransformer,
            "bert": bert,
            "roberta": roberta,
            "distilbert": distilbert,
            "minilm": minilm,
        }
        self.transforms: Mapping[str, AbstractTransform[Passage]] = {
            "crop": Crop(),
            "small_crop": Crop(0.2, 0.5, shortest=4),
            "delete": Delete(),
            "swap": Swap(),
            "insert": Insert(("the", "of", "and", "so")),
            "repeat": Insert(),
            "characters": Noisy(Characters(), 0.3),
            "keyboard": Noisy(Keyboard(), 0.3),
            "spelling": Noisy(Spelling(), 0.3),
            "scanned": Noisy(Scanned(), 0.3),
            "synonyms": Noisy(Synonyms(EXAMPLE), 0.5),
            "reserved": Noisy(Reserved([("big", "old", "white")]), 0.5),
        }
        self.views: Views[Passage] = default_views()
        self.choices: Mapping[str, Mapping[str, AbstractTransform[Passage]]] = CHOICES

    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Passage]:
        """The passages of all text files among `paths` and in the folders among them, in sorted order.

        Plain text (`.txt`, `.md` and, if named, any other), JSON Lines (`.jsonl`, `.ndjson`), arrays of JSON (`.json`),
        tables (`.csv`, `.tsv`), CoNLL's columns (`.conllu`, `.conll`, …); in UTF-8, UTF-16 or the given encoding. Empty
        lines and records are no items. Every file is read through once, to find its items. Text in other forms (HTML,
        captions, documents) is refused where it is named, and listed as left out where it lies in a folder.

        Raises:
            BadItemError: for the first file or record that is binary, in another encoding, damaged, or has no words,
                unless `skip_bad`.
            FileNotFoundError: for a path that does not exist.
            ValueError: if no usable text is found.
        """
        return read_text(paths, self.field, self.window, self.lines, skip_bad, self.encoding, self.margin)

    def encoder_settings(self, encoder: str, items: AbstractItems[Passage]) -> Mapping[str, Any]:
        """A tokenizer learned from a sample of the passages, for the transformers that begin without weights.

        Raises:
            ValueError: if such an encoder is asked for and no passage can be read.
        """
        return {"tokenizer": learned_tokenizer(items, self.vocabulary)} if encoder in UNTRAINED else {}

    def amounts(self, item: Passage) -> Mapping[str, float]:
        """How many words it has."""
        return {"words": float(len(item.words))}

    def computed(self, item: Passage) -> Mapping[str, float]:
        """Surface features: lengths, marks, capitals, how diverse the words are."""
        return statistics(item)

    def collate(self, items: Sequence[Passage]) -> Words:
        """Passages padded to the most words and the longest word."""
        return collate(items)

    def render(
        self,
        item: Passage,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """The found spans in colour, the true ones, `(name, (begin, end))` in characters of the file, below."""
        return render(item, found, one_grid(grid), truth)

    def render_numbered(
        self,
        item: Passage,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """As `render`, with objects called and coloured by their numbers."""
        return render(item, found, one_grid(grid), truth, by_number=True)

    def read_masks(
        self, path: Path, items: AbstractItems[Passage], skipped: Sequence[Skipped] = ()
    ) -> AbstractMasks[Passage]:
        """CoNLL's columns with BIO tags, or JSON Lines of spans by their characters, as `gestalt discover` writes both.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if it is of no known format, its words are not those of the texts, or it names a text that there
                is not.
        """
        return read_masks(path, items, skipped)

    def read_trees(
        self, path: Path, items: AbstractItems[Passage], skipped: Sequence[Skipped] = ()
    ) -> AbstractTrees[Passage]:
        """HEAD and DEPREL of CoNLL-U.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if it holds no CoNLL-U, or its words are not those of the texts.
        """
        return read_trees(path, items, skipped)

    def shown_masks(self, item: Passage, masks: ItemMasks) -> Sequence[tuple[str, Any]]:
        """Each span with its first and last character in the file."""
        return shown_masks(item, masks)

    def transplant(
        self, host: Passage, donor: Passage, part: ItemMasks, rng: np.random.Generator
    ) -> Transplant[Passage] | None:
        """A span of one passage within another, in place of other words or between two."""
        return transplant(host, donor, part, rng)

    @property
    def column_names(self) -> Sequence[str]:
        """The field of the modality first."""
        return (self.field, "text", "sentence", "content", "document")

    lines_suffix: ClassVar[str] = ".txt"

    def of_objects(self, things: Things) -> AbstractItems[Passage]:
        """Strings, lists of words, and entries of data sets that begin with one; each is an item, however long."""
        return FromPython(things, passage_of)

    def of_column(self, column: str) -> "Text":
        """Texts in that column of tables, or that field of records."""
        return Text(self.window, self.lines, column, self.vocabulary, self.encoding, self.margin)

    def specimens(self) -> Sequence[Specimen[Passage]]:
        """Three sentences with their noun and verb groups."""
        return specimens()

    def render_object(self, item: Passage, inside: Bool[Tensor, " elements"], grid: Places | None) -> str:
        """Its words, with some on either side."""
        return render_object(item, inside, one_grid(grid))

    def write_objects(self, found: Iterable[FoundBatch[Passage]], items: AbstractItems[Passage], out: Path) -> str:
        """Spans as JSON Lines with character offsets, in BIO columns, and in colours."""
        return write_objects(found, items, out)

    def write_trees(
        self, found: Iterable[tuple[int, Passage, ItemTree]], items: AbstractItems[Passage], out: Path
    ) -> str:
        """CoNLL-U."""
        return write_trees(found, items, out)

    def element_columns(
        self, found: FoundBatch[Passage], row: int, items: AbstractItems[Passage]
    ) -> Mapping[str, Float[np.ndarray, " elements"]]:
        """The line on which the passage begins, and the characters of every word in the file."""
        return element_columns(found, row, items)


MODALITY = Text()
