"""Found spans and vectors in the formats that the field's tools read."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from gestalt.core.experiment.naming import counted
from gestalt.core.experiment.vectors import Batch
from gestalt.core.runs.saved import Architecture, load_network
from jaxtyping import Float

from gestalt.core.experiment import Batches, write_skipped, write_vectors
from gestalt.core.networks.encoder import Network
from gestalt.core.storage.atomic import write_text
from gestalt.modalities.text import MODALITY, Passage, Text, TextFiles, bio_lines, json_line, spans_of

from .finding import FinderOptions

SHOWN = 500
"""Passages in the page of colours: a browser shows no book at once, and the other files have them all."""


def discover(run: Path, paths: Sequence[Path], out: Path, skip_bad: bool) -> int:
    """Find spans in text with a finished run: JSON Lines with character offsets, CoNLL's BIO columns, coloured HTML.

    Raises:
        ValueError: if no passage can be read.
    """
    network, architecture = load_network(run)
    finder = FinderOptions(**architecture.details["finder"]).build()
    batches, files = _batches(network, architecture, paths, skip_bad)
    records: list[str] = []
    columns: list[str] = []
    pictures: list[str] = []
    count = 0
    for batch in batches:
        labels = finder.find(network, batch.data).labels()
        for row, (item, place) in enumerate(zip(batch.items, batch.places, strict=True)):
            spans = spans_of(item, labels[row])
            count += len(spans)
            file, line = files.path(place), files.line(place)
            records.append(json_line(item, spans, str(file), line))
            columns.append(bio_lines(item, spans))
            if len(pictures) < SHOWN:
                picture = MODALITY.render(item, labels[row], batch.features.grid)
                pictures.append(f"<h2>{escape(f'{file}:{line}')}</h2>\n{picture}")
    if not records:
        reason = batches.skipped[-1].reason if batches.skipped else "nothing was found"
        raise ValueError(f"none of {len(files)} passages can be read: {reason}")
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "spans.jsonl", "".join(records))
    write_text(out / "spans.bio", "".join(columns))
    write_text(out / "spans.html", _page(pictures, len(records)))
    write_skipped(out, batches.skipped or ())
    found, where = counted(count, "span"), counted(len(files.paths), "file")
    print(f"{found} in {counted(len(records), 'passage')} of {where}, written to {out}")
    return 0


def embed(run: Path, paths: Sequence[Path], out: Path, skip_bad: bool) -> int:
    """Write the vectors of texts and of their words as `.npz` and Parquet, with their characters."""
    network, architecture = load_network(run)
    batches, files = _batches(network, architecture, paths, skip_bad)

    def characters(batch: Batch[Passage], row: int) -> dict[str, Float[np.ndarray, " elements"]]:
        spans = np.zeros((batch.features.valid.shape[1], 2), dtype=np.float64)
        spans[: len(batch.items[row].words)] = batch.items[row].spans
        line = np.full(len(spans), float(files.line(batch.places[row])))
        return {"line": line, "begin": spans[:, 0], "end": spans[:, 1]}

    write_vectors(out, batches, lambda place: str(files.path(place)), characters)
    return 0


def _batches(
    network: Network, architecture: Architecture, paths: Sequence[Path], skip_bad: bool
) -> tuple[Batches[Passage], TextFiles]:
    details = architecture.details
    modality = Text(details["window"], details["lines"], details["column"])
    reading = modality.read(paths, skip_bad)
    assert isinstance(reading.items, TextFiles)
    return Batches(MODALITY, network, reading, list(reading.skipped) if skip_bad else None), reading.items


def _page(pictures: Sequence[str], passages: int) -> str:
    more = f"<p>{passages - len(pictures)} more passages are in spans.jsonl and spans.bio.</p>"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Spans</title>\n'
        "<style>body{font-family:system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#24292f}"
        "h2{font-size:0.8rem;font-weight:400;color:#57606a;margin:0}</style></head>\n<body>\n"
        + "\n".join(pictures)
        + ("" if len(pictures) == passages else more)
        + "\n</body></html>\n"
    )
