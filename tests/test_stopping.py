"""Training ends well however it ends: asked to stop, killed, or on a full disk, it goes on where it was."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten

from gestalt.core.methods.targets import Classes
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from gestalt.core.training.labels import Labels
from gestalt.core.training.metrics_log import MetricsLog, read_metrics
from tests.test_training import OPTIONS, Few, learner, run


def script(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A program of its own, in a process group of its own."""
    command = [sys.executable, "-c", code, *arguments]
    root = Path(__file__).parents[1]
    return subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=120, check=False, start_new_session=True
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(folder, Few()).finished
    return folder


def interrupting(read: int) -> Few:
    """Items of which number `read` in time asks the training to stop, as Ctrl-C does."""
    count = 0

    def act(_: int) -> None:
        nonlocal count
        count += 1
        if count == read:
            os.kill(os.getpid(), signal.SIGINT)

    return Few(act)


@pytest.mark.parametrize("read", [1, 6, 15, 22, 30])
def test_a_run_that_was_stopped_anywhere_and_resumed_gives_the_same_numbers_bit_for_bit(
    whole: Path, tmp_path: Path, read: int
) -> None:
    stopped = run(tmp_path, interrupting(read))
    assert not stopped.finished
    assert stopped.step == (read - 1) // OPTIONS.batch + 1
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert saved["step"] == stopped.step  # what was learned since the last regular one is not lost
    resumed = run(tmp_path, Few(), resume=True)
    assert resumed.finished
    assert_same_numbers(whole, tmp_path)


def assert_same_numbers(one: Path, other: Path) -> None:
    """The metrics of two runs byte for byte, and their checkpoints bit for bit."""
    assert (one / METRICS).read_bytes() == (other / METRICS).read_bytes()
    first, second = load_checkpoint(one), load_checkpoint(other)
    assert first is not None
    assert second is not None
    flat = [tree_flatten(state)[0] for state in (first, second)]
    assert len(flat[0]) == len(flat[1]) > 20
    for ours, theirs in zip(*flat, strict=True):
        assert torch.equal(ours, theirs) if isinstance(ours, Tensor) else ours == theirs


def test_a_queue_a_discovery_network_and_labelled_items_resume_too(tmp_path: Path) -> None:
    """Stopped at the seventh of nine steps, after the first copy of the discovery network."""
    labels = Labels(Classes(("a", "b")), torch.tensor([0, 1, 1, 0, *[-1] * 6]))
    options = replace(OPTIONS, labelled=0.5)

    def go(name: str, items: Few, resume: bool = False) -> bool:
        fresh = learner("odin-semantic")
        return run(tmp_path / name, items, options, resume, learner=fresh, labels=labels).finished

    assert go("whole", Few())
    assert not go("parts", interrupting(26))
    assert go("parts", Few(), resume=True)
    assert_same_numbers(tmp_path / "whole", tmp_path / "parts")
    saved = load_checkpoint(tmp_path / "parts")
    assert saved is not None
    assert int((saved["learner"]["objective.queue.labels"] >= 0).sum()) > 9  # it did fill
    assert float(read_metrics(tmp_path / "parts" / METRICS)[-1]["queue_age"]) > 0


KILLED = """
import os, signal, sys, torch
torch.set_num_threads(1)
from pathlib import Path
from gestalt.core.training.checkpoint import CHECKPOINT
from tests.test_training import Few, run
count, rename = 0, Path.replace
def die(_):
    global count
    count += 1
    if count == 27 and sys.argv[2] == "while it reads":
        os.kill(os.getpid(), signal.SIGKILL)
def replace(self, target):
    if target.name == CHECKPOINT and target.exists() and sys.argv[2] != "while it reads":
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
Path.replace = replace
run(Path(sys.argv[1]), Few(die))
"""


@pytest.mark.parametrize(
    ("moment", "logged"),
    [("while it reads", 3), ("between the temporary file and its new name", 4)],
    ids=["reading", "renaming"],
)
def test_a_killed_run_resumes_to_the_metrics_of_an_undisturbed_one(
    whole: Path, tmp_path: Path, moment: str, logged: int
) -> None:
    killed = script(KILLED, str(tmp_path), moment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(read_metrics(tmp_path / METRICS)) == logged
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert saved["step"] == 4  # the second one, of step 8, was never in its place
    run(tmp_path, Few(), resume=True)
    assert (tmp_path / METRICS).read_bytes() == (whole / METRICS).read_bytes()


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Within it the system refuses to write beyond so many bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_last_good_checkpoint_and_no_rubbish(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"step": 1})
    with (
        no_file_larger_than(2**18),
        pytest.raises(OSError, match=r"checkpoint\.pt could not be written \(File too large\).*untouched.*--resume"),
    ):
        save_checkpoint(tmp_path, {"step": 2, "much": torch.zeros(2**18)})
    assert load_checkpoint(tmp_path) == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_a_full_disk_cuts_the_metrics_where_resuming_repairs_them(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path, step=0)
    log.write(2, {"loss": 0.5}, {})
    whole = (tmp_path / METRICS).read_text()
    with (
        no_file_larger_than(len(whole) + 3),
        pytest.raises(OSError, match=r"metrics\.csv cannot take another row \(File too large\); free some .*--resume"),
    ):
        log.write(4, {"loss": 0.25}, {})
    log.close()
    assert (tmp_path / METRICS).read_text() == whole + "4,0"
    MetricsLog(tmp_path, step=2).close()
    assert (tmp_path / METRICS).read_text() == whole


ASKED = """
import os, signal, sys, time, torch
torch.set_num_threads(1)
from dataclasses import replace
from pathlib import Path
from tests.test_training import OPTIONS, Few, learner, run
def items(number):
    read = []
    def act(index):
        read.append(index)
        time.sleep(0.03)  # the loop waits for its worker
        if len(read) == 14:
            os.killpg(0, number)
    return Few(act)
for name in ("SIGINT", "SIGTERM"):
    options = replace(OPTIONS, steps=40, workers=1)
    done = run(Path(sys.argv[1]) / name, items(getattr(signal, name)), options)
    print(name, done.finished, 0 < done.step < 40)
"""


def test_asked_together_with_its_workers_to_stop_it_finishes_the_step_and_saves(tmp_path: Path) -> None:
    """A terminal sends Ctrl-C to all processes at once, a scheduler its SIGTERM; the main one needs the others."""
    said = script(ASKED, str(tmp_path))
    ends = [line for line in said.stdout.splitlines() if line.startswith("SIG")]
    assert ends == ["SIGINT False True", "SIGTERM False True"], said.stderr
    assert "Traceback" not in said.stderr
    for name in ("SIGINT", "SIGTERM"):
        assert load_checkpoint(tmp_path / name) is not None
