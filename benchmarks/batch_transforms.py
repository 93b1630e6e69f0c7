"""What `--batch-transforms` takes from the processes that make views, and what it costs where batches are finished."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
import tyro
from torch import Tensor

from gestalt.core.modality.transform import Views
from gestalt.core.runs.inputs import InMemory
from gestalt.core.training.data import ItemRequest, ViewsDataset, join
from gestalt.core.training.source import finished
from gestalt.modalities.image import MODALITY, default_views

from .measuring import in_turn, machine, ratios, report

COUNT = 16
"""Pictures of a batch."""
SIZES = (64, 224)
"""Pixels a side of the views."""


@final
@dataclass(frozen=True)
class Options:
    """The views of a batch of pictures, made whole and in two parts, in turn; medians of ratios."""

    repeats: int = 7
    """Rounds."""
    device: str = "cpu"
    """Where batches are finished."""
    out: Path | None = None
    """Also write the result here, as JSON."""


def photographs() -> list[Tensor]:
    """skimage's photographs, in memory, so that nothing is decoded."""
    from skimage import data

    seen = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]  # type: ignore[no-untyped-call]
    pictures = [torch.from_numpy(one.copy()).permute(2, 0, 1).float() / 255 for one in seen]
    return [pictures[number % len(pictures)] for number in range(COUNT)]


def main(options: Options) -> None:
    """Measure and report."""
    torch.set_num_threads(1)
    device, rows, measured = torch.device(options.device), list[list[str]](), dict[str, float]()
    items = InMemory(photographs(), "photographs")
    for size in SIZES:
        whole = default_views(size)
        split = whole.on_batches()
        batch = _made(items, split).to(device)
        tasks = {
            "whole": partial(_made, items, whole),
            "begun": partial(_made, items, split),
            "finished": partial(finished, batch, split.finishing),
        }
        seconds = in_turn(tasks, options.repeats, device)
        begun, done = ratios(seconds["begun"], seconds["whole"]), ratios(seconds["finished"], seconds["whole"])
        milliseconds = 1000 * float(np.median(seconds["whole"])) / COUNT
        rows.append([f"{size} × {size}", f"{milliseconds:.1f}", begun.show(), done.show()])
        measured |= {f"begun, {size}": begun.median, f"finished, {size}": done.median}
    heading = ["views", "whole, item by item, ms a picture", "begun over whole", f"finished on {device} over whole"]
    report("Views whose last transforms are made to batches", heading, rows, machine(device), options.out, measured)


def _made(items: InMemory[Tensor], views: Views[Tensor]) -> Any:
    """A batch, as a worker makes it."""
    dataset = ViewsDataset(items, views, skip_bad=False)
    seen = [dataset[ItemRequest(number, 0, 0)] for number in range(COUNT)]
    return join(seen, MODALITY.collate)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(tyro.cli(Options))
