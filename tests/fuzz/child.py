"""The process in which files are opened that may end it: `python -m tests.fuzz.child FORMAT SEED INDEX` shows one case.

Without arguments it takes jobs as lines of JSON on its standard input, and answers each by a line. What libraries write
to standard output and standard error is caught. Memory is bounded; a mutation that hangs ends the process.
"""

import faulthandler
import gc
import json
import os
import resource
import shutil
import signal
import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from .awkward import AWKWARD, Case
from .law import broken_by
from .listed import FORMATS, endings, others
from .mutations import Mutation, key_of, mutation
from .regressions import REGRESSIONS

SPACE = 4 << 30
"""Bytes of address space beyond those of the libraries."""
GROWTH = 1 << 30
"""Bytes of memory that reading one file may take."""
PATIENCE = 20.0
"""Seconds of processor time that an awkward file may take."""
THREADS = 32
"""Threads that may be there after a file was read: those that a library leaves running belong to objects kept alive."""
HANG = (60, 600.0)
"""Seconds of processor time, and of any, after which the process ends with the place where it hangs."""


def placed(name: str, seed: int, index: int, folder: Path) -> tuple[Path, Mutation]:
    """Mutation `index` of a format in a folder: the path that is opened, and what was done to the file."""
    form = FORMATS[name]
    key = key_of(name, seed, index)
    target = form.targets[index % len(form.targets)]
    made = mutation(form.content[target], others(name) if index else (), form.is_text, key)
    opened = form.main
    if index % 29 == 28 and not form.ours and "/" not in form.main and form.main in form.targets:
        known = endings(name)
        wrong = known[index // 29 % len(known)]
        opened = target = f"{form.main.partition('.')[0]}.{wrong}"
        made = Mutation(made.content, (*made.changes, f"called .{wrong}"))
    for own, content in (*form.content.items(), (target, made.content)):
        if own == form.main and opened != form.main:
            continue
        (folder / own).parent.mkdir(parents=True, exist_ok=True)
        (folder / own).write_bytes(content)
    return folder / opened, made


def tried(name: str, seed: int, index: int, folder: Path) -> tuple[str, str, tuple[str, ...]]:
    """What came of one mutation: "read", "named" or "broken", what is the matter, and the changes."""
    if name == "a crash":  # for the test of the tests
        if index == 1:
            os.abort()
        return "read", "", ()
    if name.startswith("found: "):
        case = next(one for one in REGRESSIONS if one.name == name.removeprefix("found: "))
        outcome, said = broken_by(lambda path, _: case.check(path), folder, False)
        return ("broken" if outcome == "named" else outcome), said, ()
    if name in AWKWARD:
        return awkward(AWKWARD[name][index], folder)
    form = FORMATS[name]
    path, made = placed(name, seed, index, folder)
    peak, start = _peak(), time.process_time()
    outcome, said = broken_by(form.read, path, index % 4 == 3, form.ours)
    took, grown = time.process_time() - start, _peak() - peak
    if outcome != "broken" and took > form.bound:
        outcome, said = "broken", f"it took {took:.1f} s of processor time"
    if outcome != "broken" and grown > GROWTH:
        outcome, said = "broken", f"it took {grown >> 20} MiB of memory"
        _forget_peak()
    if outcome != "broken" and _threads() > THREADS:
        gc.collect()  # what only an error still holds is let go of sooner or later
        if _threads() > THREADS:
            outcome, said = "broken", f"it leaves {_threads()} threads running"
    if index == 0 and outcome != "read":
        outcome, said = "broken", f"the valid file is not read: {said}"
    return outcome, said, made.changes


def awkward(case: Case, folder: Path) -> tuple[str, str, tuple[str, ...]]:
    """What came of an awkward file, as of a mutation."""
    path = case.make(folder)
    peak, start = _peak(), time.process_time()
    outcome, said = broken_by(case.read, path, False)
    took, grown = time.process_time() - start, _peak() - peak
    if outcome != "broken" and case.expected not in (None, outcome):
        outcome, said = "broken", f"it was to be {case.expected}, and is {outcome}: {said}"
    if outcome != "broken" and (took > PATIENCE or grown > GROWTH):
        outcome, said = "broken", f"it took {took:.1f} s of processor time and {grown >> 20} MiB of memory"
        _forget_peak()
    return outcome, said, (case.name,)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _threads() -> int:
    tasks = Path("/proc/self/task")
    return len(os.listdir(tasks)) if tasks.is_dir() else 0


def _forget_peak() -> None:
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def limit() -> None:
    """Bound memory, and show where the process stands if it crashes."""
    torch.set_num_threads(1)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + SPACE, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("always")


def done(job: dict[str, Any], noise: int, progress: Path) -> dict[str, Any]:
    """The outcomes of some mutations in a row."""
    counts, failures = {"read": 0, "named": 0, "broken": 0}, list[dict[str, Any]]()
    number, armed = os.open(progress, os.O_WRONLY), float("-inf")
    try:
        for index in range(job["first"], job["last"], job["step"]):
            os.pwrite(number, index.to_bytes(8, "little"), 0)
            resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + HANG[0], resource.RLIM_INFINITY))
            if time.monotonic() - armed > 1:  # it starts a thread, and most mutations take a millisecond
                armed = time.monotonic()
                faulthandler.dump_traceback_later(HANG[1], exit=True)
            folder = Path(job["folder"], str(index))
            folder.mkdir()
            before = os.fstat(noise).st_size
            outcome, said, changes = tried(job["format"], job["seed"], index, folder)
            sys.stdout.flush()
            sys.stderr.flush()
            if os.fstat(noise).st_size > before and outcome != "broken":
                outcome, said = "broken", f"on the screen: {os.pread(noise, 500, before).decode(errors='replace')}"
            counts[outcome] += 1
            if outcome == "broken":
                failures.append({"index": index, "changes": changes, "said": said})
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        faulthandler.cancel_dump_traceback_later()
        os.close(number)
    return {"counts": counts, "failures": failures}


def main() -> None:
    """Serve jobs until standard input ends."""
    answers, noise = os.dup(1), os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_APPEND)
    os.dup2(noise, 1)
    os.dup2(noise, 2)
    faulthandler.enable()
    faulthandler.register(signal.SIGXCPU, chain=True)
    limit()
    for line in sys.stdin:
        job = json.loads(line)
        answer = json.dumps(done(job, noise, Path(job["progress"])))
        os.write(answers, f"{answer}\n".encode())


def show() -> None:
    """One case on the screen."""
    name, seed, index = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    faulthandler.enable()
    limit()
    with TemporaryDirectory() as folder:
        print(*tried(name, seed, index, Path(folder)), sep="\n")
        if len(sys.argv) > 4:
            shutil.copytree(folder, sys.argv[4])


if __name__ == "__main__":
    show() if len(sys.argv) > 3 else main()
