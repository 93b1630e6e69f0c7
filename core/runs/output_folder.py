"""The folder that a call writes its results to: checked before any work, and changed when all results are there."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import final

from ..storage.atomic import write_text
from ..storage.damage import json_of
from ..storage.listing import refuse_inputs_in
from ..storage.own_folders import MARKER
from ..training.lock import locked

PARTIAL = ".gestalt-partial"
LOCK = ".gestalt-output.lock"
BLOCKS = ".gestalt-blocks"
"""Encoded blocks of the archive (`Shared`): they stay when a call is stopped, and go when its results are there."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@final
class OutputFolder:
    """What a call writes to a folder replaces what an earlier call wrote there, and nothing else.

    Results are collected in a folder within it. When all are there, the files of the earlier call go and these come:
    a call that fails or is stopped before leaves the earlier results as they were. The files that were written are
    listed in `.gestalt-output.json`, with `"complete": false` while they come: so it stays if that is when the call is
    killed, and the next one replaces them. A folder with other files is refused, but for those whose name begins with a
    dot.

    Args:
        folder: created if it is missing.
        inputs: what the call reads; none of it may lie in the folder.
    """

    def __init__(self, folder: Path, inputs: Sequence[Path]) -> None:
        self.folder = folder
        self.inputs = tuple(inputs)

    def check(self) -> None:
        """Refuse a folder that cannot be written to without harm.

        Raises:
            NotADirectoryError: if it is a file.
            FileExistsError: if it holds files that no earlier call wrote.
            ValueError: if it holds an input, or its list of files is damaged.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(f"{self.folder} is a file; choose a folder by --out")
        refuse_inputs_in(self.folder, self.inputs)
        others = (Path(name) for name in sorted(self._files() - self._written()))
        foreign = [path for path in others if not any(part.startswith(".") for part in path.parts)]
        if foreign:
            more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            raise FileExistsError(
                f"{self.folder} holds {foreign[0]}{more}, which no earlier call wrote; "
                "choose an empty folder or a new one by --out"
            )

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """An empty folder to write to, whose files take their place when the block ends without an error.

        Raises:
            OSError: if nothing can be written there.
            RuntimeError: if another call is writing there.
            NotADirectoryError, FileExistsError, ValueError: as `check`.
        """
        self.check()
        new = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        taken = f"another call is writing to {self.folder}; wait until it ends, or choose another folder by --out"
        with ExitStack() as stack:
            stack.callback(_remove_empty, new)
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(self.folder / LOCK, taken))
            except OSError as error:
                raise OSError(
                    f"{self.folder} cannot be written to ({error.strerror or error}); choose another folder by --out"
                ) from error
            yield from self._collected()

    def _collected(self) -> Iterator[Path]:
        partial, marker = self.folder / PARTIAL, self.folder / MARKER
        shutil.rmtree(partial, ignore_errors=True)  # of a call that was killed
        first = not marker.exists()
        try:
            self._list(self._written())  # from now on the folder is known as ours: whoever searches it passes it by
            partial.mkdir()
            yield partial
            self._replace(partial)
            first = False
            shutil.rmtree(self.folder / BLOCKS, ignore_errors=True)
        except OSError as error:
            if error.errno not in FULL:
                raise
            stays = f"the blocks in {self.folder / BLOCKS}" if (self.folder / BLOCKS).exists() else "nothing"
            raise OSError(
                f"{self.folder}: the disk is full ({error.strerror}); what an earlier call wrote there is untouched, "
                f"and {stays} of this call stays. Free some space, or choose another disk by --out"
            ) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            if first:
                marker.unlink(missing_ok=True)

    def _replace(self, partial: Path) -> None:
        old, new = self._written(), {str(path.relative_to(partial)) for path in _files_below(partial)}
        self._list(old | new, complete=False)  # whatever stops us now, all files are known as ours
        for name in old - new:
            (self.folder / name).unlink(missing_ok=True)
            for parent in (self.folder / name).parents:
                if parent == self.folder:
                    break
                with suppress(OSError):  # it holds other files
                    parent.rmdir()
        for name in sorted(new):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).replace(self.folder / name)
        self._list(new)

    def _list(self, names: set[str], complete: bool = True) -> None:
        write_text(self.folder / MARKER, json.dumps({"complete": complete, "files": sorted(names)}, indent=1) + "\n")

    def _written(self) -> set[str]:
        """The files of the earlier call that are still there."""
        path = self.folder / MARKER
        if not path.is_file():
            return set()
        try:
            listed = json_of(path)["files"]
            return {str(Path(name)) for name in listed} & self._files()  # no list makes us remove files elsewhere
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} is damaged ({error!r}), so it does not say which files are results; "
                "remove the folder, or choose another one by --out"
            ) from error

    def _files(self) -> set[str]:
        if not self.folder.is_dir():
            return set()
        found = (path.relative_to(self.folder) for path in _files_below(self.folder))
        return {str(path) for path in found if path.parts[0] not in (MARKER, LOCK, PARTIAL, BLOCKS)}


def _files_below(folder: Path) -> Iterator[Path]:
    """All files, and links to folders: what is behind these is not ours to replace."""
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in files)
        yield from (link for link in (Path(parent, name) for name in folders) if link.is_symlink())


def _remove_empty(folders: Sequence[Path]) -> None:
    """What is still empty was made in vain."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
