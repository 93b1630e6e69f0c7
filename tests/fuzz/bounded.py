"""Mutations tried in a process of their own, which may crash or hang without ending the tests."""

import itertools
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final

ROOT = Path(__file__).parents[2]


@final
class Bounded:
    """A process that opens files, started anew where one of them ended it.

    Args:
        folder: for the files, and for what libraries say.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.noise, self.progress = folder / "noise.txt", folder / "progress"
        self.numbers = itertools.count()
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def _end(self) -> int | None:
        """End the process, if there is one; how it ended."""
        if self.process is None:
            return None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        code = self.process.wait(300)
        self.process.stdout.close()
        self.process = None
        return code

    def try_all(self, name: str, seed: int, first: int, last: int, step: int = 1) -> dict[str, Any]:
        """The outcomes of mutations `first`, `first + step` … before `last`: how many of each, what broke the law."""
        counts, failures = {"read": 0, "named": 0, "broken": 0}, list[dict[str, Any]]()
        begin = first
        while first < last:
            answer = self._answer({"format": name, "seed": seed, "first": first, "last": last, "step": step})
            if answer is None:
                index = int.from_bytes(self.progress.read_bytes(), "little")
                said = self.noise.read_text(errors="replace")[-4000:]
                failures.append(
                    {"index": index, "changes": [], "said": f"it ended the process ({self._end()}): {said}"}
                )
                counts["broken"] += 1
                answer = self._answer({"format": name, "seed": seed, "first": first, "last": index, "step": step})
                first = index + step
            else:
                first = last
            assert answer is not None, f"one mutation of {name} from {begin} on ends the process only now and then"
            for outcome, count in answer["counts"].items():
                counts[outcome] += count
            failures += answer["failures"]
        return {"counts": counts, "failures": failures}

    def _answer(self, job: dict[str, Any]) -> dict[str, Any] | None:
        if self.process is None:
            command = [sys.executable, "-m", "tests.fuzz.child", str(self.noise)]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        files = self.folder / f"files-{next(self.numbers)}"
        files.mkdir()
        self.progress.write_bytes(bytes(8))
        job = {**job, "folder": str(files), "progress": str(self.progress)}
        self.process.stdin.write(f"{json.dumps(job)}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        found: dict[str, Any] | None = json.loads(line) if line else None
        return found
