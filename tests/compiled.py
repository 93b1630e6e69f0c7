"""What compiled encoders give, in a process of its own: checks of types as tests make them cannot be compiled.

`python -m tests.compiled FOLDER MODALITY…` prints JSON, see `main`.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import gestalt
from gestalt.core.networks.compiled import compile_encoders
from tests.test_stopping import interrupting
from tests.test_training import OPTIONS, Few, learner, run

TRAINED = {
    "audio": "conv",
    "graph": "gin",
    "image": "conv",
    "points": "pointnet",
    "sensors": "conv",
    "table": "mlp",
    "text": "bert",
    "video": "conv",
}
"""An encoder of every modality."""


def batches_of(name: str) -> tuple[int, int, float]:
    """Batches of several sizes three times, through an encoder that is compiled.

    Returns:
        Graphs that were compiled for the first two times through them and for the third, and how far vectors are from
        those of the encoder as it was.
    """
    torch._dynamo.reset()
    modality = gestalt.load_modality(name)
    items = [specimen.item for specimen in modality.specimens()]
    batches = [modality.collate(some) for some in (items[:2], items[1:], items, items[:1])]
    torch.manual_seed(0)
    encoder = modality.encoders[TRAINED[name]]().eval()
    with torch.no_grad():
        expected = [encoder(data).values for data in batches]
    graphs: list[int] = []

    def counted(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., Any]:
        graphs.append(len(inputs))
        return graph.forward

    compile_encoders(encoder, "cpu", counted)
    graphs.clear()
    with torch.no_grad():
        first = [encoder(data).values for data in batches]
        once = len(graphs)
        second = [encoder(data).values for data in batches]
    apart = max(
        float((ours - theirs).nan_to_num().abs().max())
        for ours, theirs in zip(first + second, expected * 2, strict=True)
    )
    return once, len(graphs) - once, apart


def runs_in(folder: Path) -> None:
    """A run as it is and compiled; another one, which finds objects, compiled, and the same stopped and resumed."""
    options = replace(OPTIONS, compile=True)
    run(folder / "plain", Few(), learner=learner("byol"))
    run(folder / "compiled", Few(), options, learner=learner("byol"))
    run(folder / "whole", Few(), options)
    run(folder / "stopped", interrupting(15), options)
    run(folder / "stopped", Few(), options, resume=True)


def main(folder: Path, names: Sequence[str]) -> None:
    """Leave runs in a folder, and print what `batches_of` says of some modalities."""
    torch._dynamo.config.fail_on_recompile_limit_hit = True  # or it would seem compiled no more
    runs_in(folder)
    print(json.dumps({name: batches_of(name) for name in names}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
