"""What is learned and found in archives is what is learned and found in the folder that they were packed from."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch

from gestalt.core.data.items import AbstractItems
from gestalt.core.modality.plugins import load_modality
from gestalt.core.modality.transform import Views
from gestalt.core.runs.discover import discover
from gestalt.core.runs.pack import pack
from gestalt.core.shards.index import INDICES
from gestalt.core.training.data import Order, batches
from gestalt.core.training.loop import TrainingResult, launch, train_learner
from gestalt.core.training.options import Training
from gestalt.core.training.training_data import TrainingData
from gestalt.modalities.image import Image
from tests.implementations import method_learner
from tests.packed import WRITTEN
from tests.test_stopping import assert_same_numbers
from tests.tiny_runs import tiny_run

OPTIONS = Training(steps=5, batch=2, lr=1e-2, warmup=1, workers=0, threads=1, log_every=1, accelerator="cpu")


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Path]:
    """A folder with pictures in `plain`, and archives of them in `shards`."""
    INDICES.forget()
    (tmp_path / "plain").mkdir()
    WRITTEN["image"](tmp_path / "plain")
    pack(load_modality("image"), [tmp_path / "plain"], tmp_path / "shards", shard_size=0.0065)
    yield tmp_path
    INDICES.forget()


@final
@dataclass(frozen=True)
class Watched(AbstractItems[Any]):
    """Items of which something happens whenever one is read."""

    items: AbstractItems[Any]
    on_read: Callable[[], None]

    def __len__(self) -> int:
        return len(self.items)

    def read(self, index: int, rng: np.random.Generator) -> Any:
        """The item."""
        self.on_read()
        return self.items.read(index, rng)

    def name(self, index: int) -> str:
        """That of the item."""
        return self.items.name(index)


def train(folder: Path, items: AbstractItems[Any], resume: bool = False) -> TrainingResult:
    folder.mkdir(exist_ok=True)
    modality = Image(size=16)
    torch.manual_seed(0)
    learner = method_learner("byol", modality.encoders["conv"](width=8))
    data: TrainingData[Any] = TrainingData(items, modality.views, modality.collate)
    return train_learner(launch(OPTIONS), learner, data, OPTIONS, folder, resume)


def test_training_on_archives_is_training_on_the_folder_and_goes_on_in_the_middle_of_an_epoch(there: Path) -> None:
    modality = Image(size=16)
    assert train(there / "one", modality.read([there / "plain"]).items).finished
    items, read = modality.read([there / "shards"]).items, 0

    def act() -> None:
        nonlocal read
        read += 1
        if read == 3:  # in the second of the three steps of an epoch
            os.kill(os.getpid(), signal.SIGINT)

    stopped = train(there / "other", Watched(items, act))
    assert (stopped.finished, stopped.step) == (False, 2)
    INDICES.forget()
    assert train(there / "other", modality.read([there / "shards"]).items, resume=True).finished
    assert_same_numbers(there / "one", there / "other")


@pytest.mark.parametrize(("ranks", "workers"), [(1, 2), (2, 0)])
def test_workers_and_ranks_share_the_order_of_the_folder(there: Path, ranks: int, workers: int) -> None:
    modality = Image(size=16)

    def seen(path: Path, rank: int = 0, ranks: int = 1, workers: int = 0) -> list[list[tuple[int, float]]]:
        items, views = modality.read([path]).items, Views(modality.views.source, modality.views.views)
        order = Order(len(items), 4, 3, seed=5, start=1, rank=rank, ranks=ranks)
        found = batches(items, views, modality.collate, order, workers, skip_bad=False)
        rows = [
            zip(one.index.tolist(), one.source.data.pixels.sum(dim=(1, 2, 3)).tolist(), strict=True) for one in found
        ]
        return [list(row) for row in rows]

    whole = seen(there / "plain")
    shares = [seen(there / "shards", rank, ranks, workers) for rank in range(ranks)]
    assert [[*chain(*parts)] for parts in zip(*shares, strict=True)] == whole


def test_what_is_discovered_in_archives_is_what_is_discovered_in_the_folder(there: Path) -> None:
    run = tiny_run(there / "run", load_modality("image"))
    for name in ("plain", "shards"):
        assert discover(run, [there / name], there / f"found in {name}") == 0
    one, other = (
        sorted(path.read_bytes() for path in (there / f"found in {name}" / "index").rglob("*.png"))
        for name in ("plain", "shards")
    )
    assert one == other
    assert len(one) == 6
