"""Types of the objects of new data, in files: `gestalt types`."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from ...components.precision import FULL, Precision
from ...discovery.found import FoundBatch
from ...modality.base import AbstractModality
from ...modality.optional import ReadsFullResolution
from ...networks.levels import level_of
from ...report import Chart, draw
from ...storage.atomic import write_text
from ...storage.csv_file import TableWriter
from ...storage.naming import counted
from ...storage.text_file import open_text
from ..element_places import ElementPlaces
from ..output_folder import OutputFolder
from ..saving import load
from ..stream import Stream
from .exhibits import SHOWN, Exhibits
from .finding import FoundTypes, Typing, found_types
from .members import reduced_batch
from .names import Names, read_names, without_wrong
from .object_types import ObjectTypes
from .page import TypesPage, to_types_page
from .table import TypesTable, labels_by_item
from .writing import named_batch, seen_again, write_masks

PAGE, TABLE, MASKS, LABELS = "types.html", "types.csv", "masks", "labels.csv"


def types(
    run: Path,
    paths: Sequence[Path],
    out: Path,
    how: Typing | None = None,
    like: Path | None = None,
    names: Path | None = None,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
    precision: Precision = FULL,
) -> int:
    """Find which kinds of objects recur in data, or give its objects the types that were found before.

    - `types.csv`: every object with its file, its place there, its type (from 1 on, the commonest first) and distance.
    - `types.json` and `types.safetensors`: the types, for `like`.
    - `types.html`: a page that shows members of every type and takes names for them.
    - `masks/`: the objects in the formats of the modality, called after their types.
    - with `names`: `labels.csv` too, and masks of what has a name alone.

    The data are read twice: for the vectors, which lie on disk meanwhile, and to write.

    Args:
        run: folder of the run.
        paths: files and folders to look into.
        out: folder to write to, see `OutputFolder`.
        how: types are found.
        like: a folder that an earlier call wrote, whose types are taken.
        names: of the types, as the page saves them.
        skip_bad: leave out files and items that cannot be used, and list them in `skipped.txt`.
        modality: that of the run, where it is not installed: itself, or `package.module:OBJECT`.
        device: where the network runs.
        precision: in which it computes.

    Returns:
        The exit code, 0.

    Raises:
        BadItemError: for the first file or item that cannot be used, unless `skip_bad`.
        ValueError: if there is no object, the run does not say how objects are found, or the names do not fit.
        OSError: if `out` cannot be written to, holds other files, or the run is none.
    """
    kept = None if like is None else ObjectTypes.load(like)
    read = [path for path in (like, names) if path is not None]
    with OutputFolder(out, [*paths, *read]).writing() as folder:
        model = load(run, device, modality, precision)
        model.check_finder()
        if names is not None and kept is not None:
            read_names(names, kept)  # refused before anything is encoded
        first = Stream.of(model, paths, skip_bad, full=True)
        found = found_types(lambda: first, model.modality, model.network, how, kept, folder)
        call = _Call(found, Names() if names is None else read_names(names, found.types), first, run, paths, out)
        said = call.write(folder)
        left_out = first.write_skipped(folder)
    print(f"{said}, written to {out}{left_out}")
    return 0


@final
@dataclass(frozen=True)
class _Call:
    """What is written of the types of some data."""

    found: FoundTypes
    names: Names
    stream: Stream[Any]
    run: Path
    paths: Sequence[Path]
    out: Path

    def write(self, folder: Path) -> str:
        """All files; what was found, in a line."""
        found, stream, names = self.found, self.stream, self.names
        members, strange = without_wrong(found.members, stream.items, names)
        numbered = tuple(f"type {one + 1}" for one in range(found.types.count))
        called = (names.labels if names.names else numbered) or ("none",)
        labels = names.label_of_types(found.types.count) if names.names else torch.arange(found.types.count)
        exhibits = Exhibits(found, stream.model.modality, stream.items, names)
        (folder / MASKS).mkdir()
        with open_text(folder / TABLE) as file:
            table = TypesTable(file, names, ElementPlaces.of(stream.model.modality, stream.items, stream.model.encoded))
            batches = self._seen(labels, called, members.types, table, exhibits)
            masks = write_masks(batches, stream.model.modality, stream.items, folder / MASKS, stream.skipped or ())
            table.close()
        found.types.save(folder)
        write_text(folder / PAGE, to_types_page(self._page(exhibits)))
        if names.names:
            with open_text(folder / LABELS) as file:
                rows = TableWriter(file, ("name", "label"))
                for index, label in sorted(labels_by_item(members, labels).items()):
                    rows.row((Path(stream.items.name(index)), called[label]))
        lost = f"; {counted(strange, 'mark')} of a wrong member fits no object" if strange else ""
        return f"{self._said()}{lost}; {masks}"

    def _seen(
        self,
        labels: Int[Tensor, " types"],
        called: Sequence[str],
        kinds: Int[Tensor, " objects"],
        table: TypesTable,
        exhibits: Exhibits,
    ) -> Iterator[FoundBatch[Any]]:
        """All items once more, with the names of their objects, on their way past the table and the page."""
        stream, members = self.stream, self.found.members
        modality, encoder = stream.model.modality, stream.model.encoder
        again = replace(stream, skipped=None if stream.skipped is None else [])
        level = level_of(encoder, self.found.types.level)
        of_types = torch.cat([labels, torch.tensor([-1])])  # the last one is that of no type
        for batch, objects, first in seen_again(again, modality, members, level, stream.items):
            one = reduced_batch(batch, modality)
            part = slice(first, first + len(objects.rows))
            table.add(one, objects, members, part)
            small = one.items
            if stream.full and isinstance(modality, ReadsFullResolution):
                small = tuple(map(modality.for_network, small))
            exhibits.see(one, objects, first, small)
            yield named_batch(batch, objects, of_types[kinds[part]], called)

    def _said(self) -> str:
        members, types = self.found.members, self.found.types
        none = int((members.types < 0).sum())
        apart = f", {none} of none" if none else ""
        return f"{counted(types.count, 'type')} of {counted(len(members), 'object')}{apart}"

    def _facts(self) -> tuple[tuple[str, str], ...]:
        types = self.found.types
        by = dict(types.found.get("by", {}))
        way = str(by.pop("type", "")).partition(":")[2]
        options = ", ".join(f"{name} {value}" for name, value in by.items() if value is not None)
        return (
            ("clustered by", f"{way} ({options})"),
            ("vectors", f"{types.found.get('scaling')}, level {types.level or 'whole'}"),
            ("found in", counted(int(types.found.get("sample", 0)), "object")),
            ("name of these types", types.digest),
        )

    def _page(self, exhibits: Exhibits) -> TypesPage:
        types, stream = self.found.types, self.stream
        tried = types.prototypes.tried
        chart = Chart("Mean silhouette of k-means: the greatest says how many types there are", "silhouette",
                      (("silhouette", "silhouette"),), along="types")  # fmt: skip
        columns = {"types": list(map(float, tried)), "silhouette": list(tried.values())}
        again = [
            "gestalt",
            "types",
            self.run,
            *self.paths,
            "--like",
            self.out,
            "--names",
            "names.csv",
            "--out",
            "labelled",
        ]
        more = (
            f"The {SHOWN} commonest of {types.count} types are shown; types.csv has all." if types.count > SHOWN else ""
        )
        return TypesPage(
            title=f"Types of objects in {self.paths[0].name or self.paths[0]}",
            digest=types.digest,
            summary=f"{self._said()}, found with the run {self.run.name}.",
            command=shlex.join(map(str, again)),
            facts=self._facts(),
            pictures=draw(columns, (chart,)) if tried else (),
            types=exhibits.sections(),
            more=more,
            skipped=tuple(stream.skipped or ()),
            damaged=tuple(stream.damaged),
        )
