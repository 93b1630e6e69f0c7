"""What a model, or the task head of a finished run, says of new data, in files: `gestalt predict`."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar, final

import torch

from ..components.precision import FULL, Precision
from ..discovery.found import FoundBatch
from ..fitting.fitted import Fitted
from ..methods.targets import Decides, Points
from ..modality.base import AbstractModality
from ..modality.optional import WritesTrees
from ..storage.csv_file import TableWriter
from ..storage.naming import counted
from ..storage.text_file import open_text
from .answering import item_predictions, named, names_objects, said_of
from .blocks.shared import Sharing
from .element_places import ElementPlaces
from .element_values import ElementValues, margin_name
from .output_folder import OutputFolder
from .pair_answers import write_pairs
from .results import ItemPrediction
from .saving import load
from .stream import Stream
from .trees import Tree, trees_in, write_plain_trees
from .write_found import write_found

ItemT = TypeVar("ItemT")


def predict(
    run: Path,
    paths: Sequence[Path],
    out: Path,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
    sharing: Sharing | None = None,
    pairs: Path | None = None,
    precision: Precision = FULL,
    threshold: float = 0.5,
) -> int:
    """Write `predictions.csv` (item, best class, one column per class or value) and `predictions.jsonl`.

    Beside a value stands the margin within which the share `Fitting.sure` of held-out values lay, wider for what lies
    further from everything labelled.

    A model of named elements or objects writes them too, in the files in which such labels come (as `discover` writes
    objects, with names and scores); one of values of elements writes `elements.csv`. What is far from everything
    labelled is `unknown`.

    Items are read a few at a time, and written when they are read. Names that a spreadsheet would take for formulas are
    marked in the table (see `TableWriter`); the JSON Lines have them as they are.

    The arguments and errors are those of `discover`; `pairs` is a table of two names in every row, for a model of
    pairs, which writes `pairs.csv`; those with a score of `threshold` or more are the same.

    Returns:
        The exit code, 0.

    Raises:
        ValueError: if the run has no task head and is no model, or nothing can be read; for pairs that are to be shared
            out.
    """
    if pairs is not None and sharing is not None:
        raise ValueError("pairs are compared by this process: leave out --engine ray (sharing)")
    with OutputFolder(out, [*paths, *([pairs] if pairs else [])]).writing() as folder:
        model = load(run, device, modality, precision)
        fitted = model.fitted
        stream = Stream.of(model, paths, skip_bad, full=fitted is not None and names_objects(fitted))
        stream = stream.shared(sharing, run, paths, modality, out)
        if pairs is not None:
            said = write_pairs(model, fitted, stream.items, pairs, folder, stream.skipped, threshold)
        elif fitted is None or fitted.of.word == "item":
            target = model.target if fitted is None else fitted.target
            decides = isinstance(target, Decides) or (fitted is not None and fitted.remembered > 0)
            count = _write(stream.predictions(), folder, decides)
            said = f"predictions of {counted(count, 'item')}"
        else:
            said = write_answers(stream, fitted, folder)
        left_out = stream.write_skipped(folder)
    print(f"{said}, written to {out}{left_out}")
    return 0


def write_answers(stream: Stream[Any], fitted: Fitted, folder: Path) -> str:
    """What a fit says of elements or objects, in files; how that is said.

    Every item is read and encoded once, for all files.
    """
    stream = stream.seeing(fitted.of.of_found)
    model, items = stream.model, stream.items
    if isinstance(fitted.target, Points):
        return write_trees(stream, fitted, folder)
    with Predictions(folder, best=False) as rows:
        if not names_objects(fitted):
            with ElementValues(
                folder / "elements.csv", ElementPlaces.of(model.modality, items, model.encoded)
            ) as values:
                for batch in stream:
                    said = said_of(fitted, batch, model.device)
                    rows.add(item_predictions(fitted, batch.index, said, items.name))
                    values.add(batch, fitted, said)
            return f"values of {counted(values.count, fitted.of.word)}"

        def answered() -> Iterator[FoundBatch[Any]]:
            for batch in stream:
                said = said_of(fitted, batch, model.device)
                rows.add(item_predictions(fitted, batch.index, said, items.name))
                yield named(fitted, batch, said)

        return write_found(answered(), model.modality, items, folder, "named by a model", stream.skipped or ())


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    return {name: number if math.isfinite(number) else None for name, number in numbers.items()}


def write_trees(stream: Stream[Any], fitted: Fitted, folder: Path) -> str:
    """The trees that a fit says, in files; how that is said."""
    modality, items = stream.model.modality, stream.items
    with Predictions(folder, best=False) as rows:

        def found() -> Iterator[Tree[Any]]:
            for tree, said in trees_in(fitted, stream, items, stream.model.device, stream.skipped):
                rows.add(item_predictions(fitted, tree[:1], said, items.name))
                yield tree

        write = modality.write_trees if isinstance(modality, WritesTrees) else write_plain_trees
        return write(found(), items, folder)


def _write(found: Iterable[ItemPrediction], folder: Path, best: bool) -> int:
    with Predictions(folder, best) as rows:
        rows.add(found)
    return rows.count


@final
class Predictions:
    """`predictions.csv` and `predictions.jsonl`, item by item.

    Args:
        folder: of both.
        best: whether there is a column with the decision.
    """

    def __init__(self, folder: Path, best: bool) -> None:
        self.folder, self.best, self.count = folder, best, 0
        self.table: TableWriter | None = None

    def __enter__(self) -> "Predictions":
        """Open both."""
        self.files = ExitStack()
        self.sheet = self.files.enter_context(open_text(self.folder / "predictions.csv"))
        self.lines = self.files.enter_context(open_text(self.folder / "predictions.jsonl"))
        return self

    def __exit__(self, *_: object) -> None:
        """Close both."""
        self.files.close()

    def add(self, found: Iterable[ItemPrediction]) -> None:
        """Further items."""
        for one in found:
            self.count += 1
            margins = one.margins or {}
            if self.table is None:
                more = [*map(margin_name, margins), *(["distance"] if one.distance is not None else [])]
                self.table = TableWriter(self.sheet, ("item", *(["best"] if self.best else []), *one.scores, *more))
            numbers = [*one.scores.values(), *margins.values(), *([one.distance] if one.distance is not None else [])]
            written = [f"{number:.6g}" if math.isfinite(number) else "" for number in numbers]
            self.table.row([one.name, *([one.answer or ""] if self.best else []), *written])
            record: dict[str, Any] = {"item": one.name, "scores": _finite(one.scores)}
            if margins:
                record["margins"] = _finite(margins)
            if one.distance is not None:
                record |= {"answer": one.answer, **_finite({"distance": one.distance})}
            self.lines.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")
