"""Training on several machines is training on one, and goes on with another number of processes."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gestalt.core.experiment.options import FREE
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.checkpoint import CHECKPOINT
from gestalt.core.training.folder import RunFolder
from gestalt.core.training.metrics_log import read_metrics
from gestalt.core.training.options import Training
from gestalt.core.training.processes import Processes
from tests.test_training import OPTIONS, Few, learner, run

TORCHRUN = {"TORCHELASTIC_RUN_ID": "1", "RANK": "3", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "LOCAL_RANK": "3"}
SLURM = {"SLURM_NTASKS": "8", "SLURM_NNODES": "2", "SLURM_NTASKS_PER_NODE": "4", "SLURM_JOB_NAME": "train"}
STOP = 4
"""The step after which runs are stopped, of nine in all."""


def train(folder: Path, stop: bool, **changed: Any) -> None:
    """A whole run, the rest of one, or the first steps, on as many processes as were started."""
    share, read = OPTIONS.batch // int(os.environ.get("WORLD_SIZE", "1")), 0

    def act(_: int) -> None:
        nonlocal read
        read += 1
        if stop and read == (STOP - 1) * share + 1:
            os.kill(os.getpid(), signal.SIGINT)

    options = replace(OPTIONS, **changed)
    assert run(folder, Few(act), options, resume=True, learner=learner("byol")).finished != stop


if __name__ == "__main__":  # what torchrun starts: the folders of runs, with a + where a run is to be stopped
    for named in sys.argv[1:]:
        train(Path(named.rstrip("+")), named.endswith("+"))


def torchrun(nodes: int, per_node: int, *tasks: str, module: str = "tests.test_processes") -> None:
    """Start processes as on several machines, all of them here."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    root = Path(__file__).parents[1]
    paths = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    machines = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "torch.distributed.run", f"--nnodes={nodes}", f"--nproc-per-node={per_node}"),
                *(f"--node-rank={node}", "--master-addr=localhost", f"--master-port={port}"),
                *("-m", module, *tasks),
            ],
            cwd=root,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for node in range(nodes)
    ]
    try:
        said = [machine.communicate(timeout=600)[0] for machine in machines]
    finally:
        for machine in machines:
            machine.kill()
    assert [machine.returncode for machine in machines] == [0] * nodes, said


def losses(folder: Path) -> list[float]:
    return [float(row["loss"]) for row in read_metrics(folder / METRICS)]


def test_two_machines_of_two_processes_learn_as_one_and_runs_go_on_with_more_or_fewer(tmp_path: Path) -> None:
    """Runs that one process began end with four, and those that four began with two."""
    four, more, fewer, one = (tmp_path / name for name in ("four", "more", "fewer", "one"))
    train(more, stop=True)
    torchrun(2, 2, str(four), f"{fewer}+", str(more))
    torchrun(1, 2, str(fewer))
    train(one, stop=False)
    assert len(losses(one)) == 5
    for folder in (four, more, fewer):
        assert losses(folder) == pytest.approx(losses(one), rel=1e-4)


def test_a_run_may_go_on_with_other_processes_and_with_no_other_batch(tmp_path: Path) -> None:
    def folder(**options: int) -> RunFolder:
        return RunFolder(tmp_path, {"training": Training(**options)}, True, FREE)  # type: ignore[arg-type]

    (tmp_path / CHECKPOINT).touch()
    (tmp_path / "options.json").write_text(json.dumps(folder(batch=8, devices=4).fields), encoding="utf-8")
    folder(batch=8, devices=2, num_nodes=2).check()
    with pytest.raises(ValueError, match=r"training\.batch was 8 and is now 16"):
        folder(batch=16, devices=4).check()


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody started this process with others."""
    for name in (*TORCHRUN, *SLURM):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("found", "starter"), [(TORCHRUN, "torchrun"), (SLURM, "SLURM")], ids=["torchrun", "SLURM"])
def test_as_many_processes_train_as_were_started(
    found: dict[str, str], starter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Processes.of(Training(batch=8, devices=2)) == Processes(2, 1)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    assert Processes.of(Training(batch=8)) == Processes(4, 2, starter)
    assert Processes.of(Training(batch=8, devices=4, num_nodes=2)) == Processes(4, 2, starter)
    with pytest.raises(ValueError, match=f"{starter} started 2 × 4 processes, and --num-nodes 1 --devices 2"):
        Processes.of(Training(batch=8, devices=2))
    with pytest.raises(ValueError, match="--batch 12 must be a multiple of --accumulate × all processes = 8"):
        Processes.of(Training(batch=12))
    if starter == "SLURM":
        monkeypatch.setenv("SLURM_JOB_NAME", "interactive")
        assert Processes.of(Training(batch=8)) == Processes(1, 1)


def test_what_nobody_starts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="torchrun --nnodes 2 --nproc-per-node 4"):
        Processes.of(Training(batch=8, devices=4, num_nodes=2))
    with pytest.raises(ValueError, match="× --devices × --num-nodes = 3"):
        Training(batch=8, num_nodes=3)
    monkeypatch.setenv("SLURM_NTASKS", "5")
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", "2")
    with pytest.raises(ValueError, match="start as many on every machine"):
        Processes.of(Training())
