"""Laws of files and of worker processes. Each gives its counterexamples one by one."""

import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..data.items import BadItemError
from .bench import Bench, apply, same


def travels(bench: Bench) -> Iterator[str]:
    """Parts that worker processes cannot be sent, or that do something else there."""
    modality, item = bench.modality, bench.specimens[0].item
    for name, part in (("views", modality.views), ("collate", modality.collate), ("a specimen's item", item)):
        try:
            pickle.dumps(part)
        except Exception as error:  # pickle raises whatever it likes
            yield (
                f"{name} cannot be sent to a worker process ({error}); use classes and functions of a module, no "
                "lambdas, nested functions or open files"
            )
            return
    views, collate, copied = pickle.loads(pickle.dumps((modality.views, modality.collate, item)))
    if not same(item, copied):
        yield "a specimen's item comes back from a worker process changed; let pickle carry all of it"
    for place, (ours, theirs) in enumerate(zip(modality.views.views, views.views, strict=True)):
        if not same(apply(ours, item, 0), apply(theirs, item, 0)):
            yield f"views[{place}] does something else in a worker process; let pickle carry all of its state"
    if not same(modality.collate([item]), collate([item])):
        yield "collate does something else in a worker process; let pickle carry all of the modality's state"


def missing(bench: Bench) -> Iterator[str]:
    """A missing path that is passed in silence, or without its name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "missing-file"
        try:
            bench.modality.read([path])
        except (BadItemError, FileNotFoundError) as error:
            if path.name not in str(error):
                yield f"read() of a missing path must name the path in its error, got {error}"
        else:
            yield "read() of a missing path must raise BadItemError or FileNotFoundError, it passed in silence"


def bad(bench: Bench) -> Iterator[str]:
    """Bad files that are passed in silence, without their name, or not listed by `skip_bad`."""
    for name, content in (("empty-file", b""), ("torn-file", bytes(range(256)) * 4)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            try:
                bench.modality.read([path])
            except ValueError as error:  # BadItemError is one
                if name not in str(error):
                    yield f"read() of an {name.replace('-', ' ')} must name the file in its error, got {error}"
            else:
                yield f"read() of an {name.replace('-', ' ')} must raise BadItemError, it passed in silence"
            try:
                skipped = bench.modality.read([path], skip_bad=True).skipped
            except ValueError as error:  # nothing is left
                skipped = ()
                if name not in str(error):
                    yield f"read() with skip_bad, when nothing is left, must name the first file, got {error}"
            else:
                if not any(name in entry.name for entry in skipped):
                    yield f"read() with skip_bad must list the {name.replace('-', ' ')} among `skipped`"
