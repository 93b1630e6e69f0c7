"""Training with weights in pieces (`--strategy fsdp`) is training with whole ones, and writes the same checkpoints."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten_with_path

from gestalt.core.components.precision import Precision
from gestalt.core.distributed.own_piece import own_piece
from gestalt.core.methods.learner import Learner
from gestalt.core.training.checkpoint import load_checkpoint
from gestalt.core.training.loop import launch
from gestalt.core.training.optimizer import unwrapped
from gestalt.core.training.options import Training
from gestalt.core.training.strategy import in_training, strategy_of
from tests.test_processes import losses, torchrun, train
from tests.test_training import OPTIONS, Few, learner, run

SCALED = replace(OPTIONS, optimizer="lars", lr=0.2, weight_decay=0.1)
"""LARS: its steps depend on the norms of whole weights, and not on the sign of a gradient that is but rounding."""
DISCOVERING = replace(SCALED, lr=0.05, steps=4)
"""The discovery network is a copy of step 3."""
WEIGHTS = "weights.pt"


def trained(folder: Path, method: str, options: Training) -> None:
    """A run, and the learner's weights after it."""
    own = learner(method)
    run(folder, Few(), options, learner=own)
    if os.environ.get("RANK", "0") == "0":
        torch.save(own.state_dict(), folder / WEIGHTS)


def count_pieces(folder: Path) -> None:
    """How many numbers this process has of the encoders' weights and of what the optimiser keeps of these."""
    options, own = replace(OPTIONS, strategy="fsdp"), learner("byol")
    saved = load_checkpoint(folder)
    assert saved is not None
    with in_training(launch(options), own, options) as weights:
        weights.restore(saved)
        encoders = _encoders(weights.learner)
        kept = [unwrapped(weights.optimizer).state[parameter] for parameter in encoders[0].parameters()]
        held = [own_piece(parameter) for encoder in encoders for parameter in encoder.parameters()]
        held += [own_piece(state[name]) for state in kept for name in ("exp_avg", "exp_avg_sq")]
        whole = [parameter for encoder in encoders for parameter in encoder.parameters()]
        whole += [state[name] for state in kept for name in ("exp_avg", "exp_avg_sq")]
        share = sum(part.numel() for part in held) / sum(part.numel() for part in whole)
        assert share == pytest.approx(0.5, abs=0.05), share
    encoder = own.online.encoder  # whole again, in every process
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, saved["learner"][f"online.encoder.{name}"]), name


def _encoders(own: Any) -> tuple[nn.Module, nn.Module]:
    assert isinstance(own, Learner)
    return own.online.encoder, own.teacher.network.encoder


if __name__ == "__main__":  # what torchrun starts, in a folder of folders
    ROOT = Path(sys.argv[1])
    trained(ROOT / "byol-fsdp", "byol", replace(SCALED, strategy="fsdp"))
    for strategy in ("ddp", "fsdp"):
        trained(ROOT / f"odin-{strategy}", "odin-semantic", replace(DISCOVERING, strategy=strategy))
    train(ROOT / "more", stop=False, strategy="fsdp")
    train(ROOT / "fewer", stop=True, strategy="fsdp")
    count_pieces(ROOT / "more")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of all runs: those of two processes, started once, and those of this one."""
    root = tmp_path_factory.mktemp("runs")
    trained(root / "byol-one", "byol", SCALED)
    train(root / "one", stop=False)
    train(root / "more", stop=True)
    torchrun(1, 2, str(root), module="tests.test_pieces")
    train(root / "fewer", stop=False)
    return root


def flat(folder: Path) -> dict[str, Any]:
    saved = load_checkpoint(folder)
    assert saved is not None
    return {str(path): value for path, value in tree_flatten_with_path(saved)[0]}


@pytest.mark.parametrize(("one", "other"), [("byol-one", "byol-fsdp"), ("odin-ddp", "odin-fsdp")])
def test_pieces_learn_what_whole_weights_learn_and_leave_the_same_checkpoint(runs: Path, one: str, other: str) -> None:
    """LARS, clipping, a teacher that is a moving average, a discovery network that is a copy."""
    assert losses(runs / other) == pytest.approx(losses(runs / one), rel=1e-4)
    expected, found = flat(runs / one), flat(runs / other)
    assert list(found) == list(expected)
    for path, value in expected.items():
        if not isinstance(value, Tensor):
            continue
        assert (found[path].shape, found[path].dtype) == (value.shape, value.dtype), path
        if "'learner'" in path:
            torch.testing.assert_close(found[path], value, rtol=1e-3, atol=1e-4, msg=path)
    for name, value in torch.load(runs / other / WEIGHTS, weights_only=True).items():
        assert torch.equal(value, load_checkpoint(runs / other)["learner"][name]), name  # type: ignore[index]


@pytest.mark.parametrize("folder", ["more", "fewer"])
def test_a_run_goes_on_in_pieces_and_out_of_them(runs: Path, folder: str) -> None:
    """Begun by one process and ended by two with pieces, and the reverse, with AdamW."""
    assert losses(runs / folder) == pytest.approx(losses(runs / "one"), rel=1e-4)


def test_one_process_has_everything_whole_and_what_pieces_do_not_go_with_is_refused() -> None:
    options = Training(strategy="fsdp")
    assert strategy_of(options, 1) == "auto"
    assert strategy_of(replace(options, strategy="ddp"), 2) == "ddp"
    with pytest.raises(ValueError, match="does not go with --precision 16-mixed"):
        strategy_of(replace(options, precision="16-mixed"), 2)
    with pytest.raises(ValueError, match="does not go with --compile"):
        strategy_of(replace(options, compile=True), 2)
    for precision in {*get_args(Precision)} - {"16-mixed"}:
        assert not isinstance(strategy_of(replace(options, precision=precision), 2), str)
