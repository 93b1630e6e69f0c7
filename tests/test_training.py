"""Training can be stopped at any moment, and says what is wrong."""

import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.data.items import AbstractItems, BadItemError
from gestalt.core.data.segmentation import Objects, Segmentation
from gestalt.core.methods.compared import Compared, health_of
from gestalt.core.methods.info import no_info
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.targets import Classes
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.follower import CopyEvery, Follower, MovingAverage
from gestalt.core.optimization.progress import Progress
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.storage.names_of_runs import OPTIONS as OPTIONS_FILE
from gestalt.core.training.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from gestalt.core.training.data import ItemRequest, Order, batches
from gestalt.core.training.folder import LOCK, RunFolder
from gestalt.core.training.labels import Labels
from gestalt.core.training.loop import Diverged, TrainingResult, launch, train_learner
from gestalt.core.training.metrics_log import MetricsLog, read_metrics
from gestalt.core.training.options import Training
from gestalt.core.training.training_data import TrainingData
from gestalt.core.training.watch import CollapseWatch
from tests.implementations import method_learner
from tests.toy import series_items, toy

OPTIONS = Training(
    steps=9, batch=4, lr=1e-2, warmup=2, workers=0, threads=1, log_every=2, checkpoint_every=4, accelerator="cpu"
)
SERIES = toy("series")


@final
@dataclass(frozen=True)
class Few(AbstractItems[Tensor]):
    """Ten series; something may happen whenever one is read."""

    on_read: Callable[[int], None] = lambda _: None

    def __len__(self) -> int:
        return 10

    def read(self, index: int, rng: np.random.Generator) -> Tensor:
        """A series with noise that follows from the seed."""
        self.on_read(index)
        item = series_items(len(self))[index]
        return item + 0.1 * torch.from_numpy(rng.standard_normal(tuple(item.shape), dtype=np.float32))

    def name(self, index: int) -> str:
        """Its number."""
        return f"series {index}"


def learner(method: str = "odin") -> Learner:
    """A small learner that starts from the same weights every time."""
    torch.manual_seed(0)
    encoder = SERIES.encoders["small"]()
    if not method.startswith("odin"):
        return method_learner(method, encoder)
    made = method_learner(method, encoder, discovery=CopyEvery(3, "steps"))
    if method == "odin":
        made.predictor = torch.nn.Sequential(torch.nn.Dropout(0.2), made.predictor)  # draws from the global generator
    return made


def run(folder: Path, items: Few, options: Training = OPTIONS, resume: bool = False, **more: Any) -> TrainingResult:
    """Train in a folder."""
    folder.mkdir(exist_ok=True)
    fabric = launch(options)
    own = more.pop("learner", learner())
    return train_learner(
        fabric, own, TrainingData(items, SERIES.views, SERIES.collate, **more), options, folder, resume
    )


def test_any_number_of_workers_sees_the_same_batches() -> None:
    def first_batches(workers: int) -> list[Any]:
        order = Order(items=10, batch=4, steps=3, seed=5)
        return list(batches(Few(), SERIES.views, SERIES.collate, order, workers, skip_bad=False))

    for alone, helped in zip(first_batches(0), first_batches(2), strict=True):
        assert alone.names == helped.names
        assert torch.equal(alone.source.data.values, helped.source.data.values)
        for ours, theirs in zip(alone.views, helped.views, strict=True):
            assert torch.equal(ours.data.values, theirs.data.values)
            assert torch.equal(ours.correspondence.matrix, theirs.correspondence.matrix)


def test_an_epoch_visits_every_item_once_and_the_next_in_another_order() -> None:
    requests = [request.index for step in Order(items=12, batch=4, steps=6, seed=1) for request in step]
    assert sorted(requests[:12]) == sorted(requests[12:]) == list(range(12))
    assert requests[:12] != requests[12:]
    assert requests != [r.index for step in Order(items=12, batch=4, steps=6, seed=2) for r in step]


@pytest.mark.parametrize(("ranks", "parts"), [(1, 2), (2, 1), (2, 2)])
def test_ranks_and_parts_share_out_the_batch_of_one_rank(ranks: int, parts: int) -> None:
    whole = list(Order(items=20, batch=8, steps=5, seed=3))
    shares = [list(Order(20, 8, 5, 3, parts=parts, rank=rank, ranks=ranks)) for rank in range(ranks)]
    for step, requests in enumerate(whole):
        together: list[ItemRequest] = []
        for part in range(parts):
            for share in shares:
                together += share[step * parts + part]
        assert together == requests


def test_a_data_set_smaller_than_a_batch_repeats_items() -> None:
    (step,) = Order(items=3, batch=8, steps=1, seed=0)
    assert len(step) == 8
    assert {request.index for request in step} == {0, 1, 2}


def repeated(items: int, batch: int, **more: Any) -> list[Any]:
    """The batches of a few steps over fewer items than a batch has."""
    order = Order(items=items, batch=batch, steps=3, seed=5, **more)
    return list(batches(Few(), SERIES.views, SERIES.collate, order, 0, skip_bad=False))


def test_an_item_that_is_repeated_within_a_step_is_seen_in_other_views_each_time() -> None:
    for batch in repeated(items=1, batch=4):
        assert batch.index.tolist() == [0] * 4
        matrices = torch.cat([batch.views[0].correspondence.matrix, batch.views[0].correspondence.offset[..., None]], 2)
        numbers = [view.data.values[row] for view in (batch.source, *batch.views) for row in range(4)]
        assert len({tuple(rows.flatten().tolist()) for rows in numbers}) == 12
        assert len(matrices.flatten(1).unique(dim=0)) > 1
    plain = list(Order(items=10, batch=4, steps=3, seed=5))
    assert all(request.repeat == 0 for step in plain for request in step)
    shares = [repeated(1, 4, rank=rank, ranks=2) for rank in range(2)]
    for whole, one, two in zip(repeated(1, 4), *shares, strict=True):
        joined = torch.cat([pad_to(part.views[0].data.values, whole.views[0].data.values) for part in (one, two)])
        assert torch.equal(joined, whole.views[0].data.values)


def pad_to(values: Tensor, like: Tensor) -> Tensor:
    """Padded to the length of another batch."""
    return torch.nn.functional.pad(values, (0, 0, 0, like.shape[1] - values.shape[1]))


def test_an_item_in_place_of_a_bad_one_is_seen_in_views_of_its_own() -> None:
    """Item 3 gives way to item 4, which is in the same step too."""
    order = Order(items=10, batch=10, steps=2, seed=5)
    for batch in batches(Few(unreadable), SERIES.views, SERIES.collate, order, 0, skip_bad=True):
        twice = (batch.index == 4).nonzero()[:, 0].tolist()
        assert len(twice) == 2
        assert not torch.equal(*(batch.source.data.values[row] for row in twice))
        assert not torch.equal(*(batch.views[1].data.values[row] for row in twice))


def test_one_item_alone_is_contrasted_with_its_own_repetitions() -> None:
    alone = learner("simclr")
    for batch in repeated(items=1, batch=4):
        output = alone(batch, torch.Generator().manual_seed(0), Progress(0, 10, 1))
        assert float(output.loss.detach()) > 0.1
        for view in output.details.online:  # equal views would be normalised away, and rounding compared
            assert float(view.vectors.detach().norm(dim=-1).min()) > 1e-2
        output.loss.backward()
    assert any(bool(p.grad.abs().max() > 1e-2) for p in alone.parameters() if p.grad is not None)


@pytest.mark.parametrize("method", ["npid", "supervised"])
def test_one_view_is_enough_for_methods_that_compare_no_two(tmp_path: Path, method: str) -> None:
    views = Views(SERIES.views.source, SERIES.views.views[:1])
    labels = Labels(Classes(("a", "b")), torch.arange(10) % 2)
    fabric = launch(OPTIONS)
    data = TrainingData(Few(), views, SERIES.collate, labels=labels)
    trained = train_learner(fabric, learner(method), data, OPTIONS, tmp_path)
    assert trained.finished
    rows = read_metrics(tmp_path / METRICS)
    assert {float(row["shared_objects"]) for row in rows} == {1.0}
    assert all(float(row["effective_rank"]) >= 1 for row in rows)


def test_no_items_are_an_error() -> None:
    with pytest.raises(ValueError, match="no items to train on"):
        Order(items=0, batch=8, steps=1, seed=0)


def test_a_checkpoint_never_executes_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'executed'}",)

    (tmp_path / CHECKPOINT).write_bytes(pickle.dumps({"step": Evil()}))
    with pytest.raises(ValueError, match="no checkpoint of this package, or is damaged"):
        load_checkpoint(tmp_path)
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    run(tmp_path, Few())
    with pytest.raises(ValueError, match="belongs to another network or method"):
        run(tmp_path, Few(), resume=True, learner=learner("byol"))


def test_a_loss_that_is_no_number_names_the_step_the_items_and_the_checkpoint(tmp_path: Path) -> None:
    broken = learner("byol")
    steps = 0

    def poison(_module: torch.nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        nonlocal steps
        steps += 1
        return output * float("nan") if steps > 2 * 5 else output  # two views a step, from the sixth step on

    broken.predictor.register_forward_hook(poison)
    with pytest.raises(
        Diverged, match=r"not a number at step 6; the items were: series \d.*good checkpoint is .*checkpoint"
    ):
        run(tmp_path, Few(), learner=broken)
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert saved["step"] == 4


def unreadable(index: int) -> None:
    """Item 3 cannot be read."""
    if index == 3:
        raise BadItemError("series 3", "is damaged; remove it")


def test_a_bad_item_stops_training_with_its_name(tmp_path: Path) -> None:
    for workers in (0, 1):
        with pytest.raises(BadItemError, match="series 3: is damaged"):
            run(tmp_path, Few(unreadable), replace(OPTIONS, workers=workers))


def test_bad_items_are_skipped_and_listed_on_request(tmp_path: Path) -> None:
    trained = run(tmp_path, Few(unreadable), skip_bad=True)
    assert trained.finished
    assert [(entry.name, entry.reason) for entry in trained.skipped] == [("series 3", "is damaged; remove it")]


def test_the_metrics_drop_rows_younger_than_the_checkpoint_and_lines_cut_short(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path, step=0)
    for step in (2, 4, 6):
        log.write(step, {"loss": 1 / step}, {"seconds": 1.0})
    log.close()
    with (tmp_path / METRICS).open("a") as file:
        file.write("8,0.1")
    again = MetricsLog(tmp_path, step=4)
    again.write(6, {"loss": 0.5}, {})
    again.close()
    assert (tmp_path / METRICS).read_text() == "step,loss\n2,0.5\n4,0.25\n6,0.5\n"


def compared(vectors: Tensor, present: Tensor | None = None, labels: Tensor | None = None) -> Compared:
    """What a step with these vectors in both views would have compared."""
    batch, objects, _ = vectors.shape
    present = torch.ones(batch, objects, dtype=torch.bool) if present is None else present
    labels = torch.arange(objects).expand(batch, -1) if labels is None else labels
    views = (Objects(vectors, present), Objects(vectors, present))
    segments = Segmentation.from_labels(labels, objects)
    unknown = torch.zeros(batch, dtype=torch.bool)
    return Compared(views, views, segments, unknown, no_info(views[0]))


def judged(seen: Compared, **changed: float) -> list[str]:
    """What the watch says of a step."""
    return CollapseWatch().judge(1, health_of(seen) | changed)


def test_the_watch_is_silent_while_all_is_well() -> None:
    assert judged(compared(torch.randn(32, 4, 16, generator=torch.Generator().manual_seed(0)))) == []


def test_the_watch_tells_collapse_in_words_and_once() -> None:
    same = compared(torch.ones(32, 4, 16) + 1e-3 * torch.randn(32, 4, 16))
    watch = CollapseWatch()
    (text,) = watch.judge(7, health_of(same))
    assert text.startswith("step 7: the vectors of all objects are nearly the same")
    assert watch.judge(8, health_of(same)) == []
    assert watch.warnings == [text]


def test_the_watch_tells_few_directions_lost_objects_and_idle_clusters() -> None:
    random = torch.randn(32, 4, 16, generator=torch.Generator().manual_seed(0))
    flat = random.clone()
    flat[..., 2:] = 0
    assert "directions" in judged(compared(flat))[0]
    assert "seen in both views" in judged(compared(random), shared_objects=0.1)[0]
    assert "only one object per item" in judged(compared(random, labels=torch.zeros(32, 4, dtype=torch.long)))[0]
    assert "compared as a whole" in judged(compared(random), whole_items=0.8)[0]


def test_a_folder_is_not_overwritten_and_not_resumed_with_other_options(tmp_path: Path) -> None:
    fabric, folder = launch(OPTIONS), tmp_path / "run"
    RunFolder(folder, OPTIONS, resume=False).check()
    assert not folder.exists()  # nothing is written before the run claims its folder
    for _ in range(2):  # a run that never came to a checkpoint is begun again
        with RunFolder(folder, OPTIONS, resume=False).claimed(fabric):
            assert (folder / OPTIONS_FILE).is_file()
    save_checkpoint(folder, {"step": 1})
    with pytest.raises(FileExistsError, match="already holds a run; go on with it by --resume"):
        RunFolder(folder, OPTIONS, resume=False).check()
    other = replace(OPTIONS, lr=0.5)
    with (
        pytest.raises(ValueError, match=r"begun with other options: lr was 0\.01 and is now 0\.5"),
        RunFolder(folder, other, resume=True).claimed(fabric),
    ):
        pass
    RunFolder(folder, replace(OPTIONS, workers=3), resume=True, free={"workers"}).check()
    with pytest.raises(NotADirectoryError, match="is a file; choose a folder"):
        RunFolder(folder / OPTIONS_FILE, OPTIONS, resume=True).check()


def test_one_process_at_a_time_trains_in_a_folder(tmp_path: Path) -> None:
    fabric, mine = launch(OPTIONS), RunFolder(tmp_path, OPTIONS, resume=False)
    with mine.claimed(fabric):
        with (
            pytest.raises(RuntimeError, match="another process is training in"),
            RunFolder(tmp_path, OPTIONS, resume=True).claimed(fabric),
        ):
            pass
        assert (tmp_path / LOCK).exists()
    assert not (tmp_path / LOCK).exists()
    with RunFolder(tmp_path, OPTIONS, resume=True).claimed(fabric):
        pass


def test_accumulated_parts_give_the_gradient_of_the_whole_batch(tmp_path: Path) -> None:
    def one_step(parts: int, folder: Path) -> dict[str, Tensor]:
        torch.manual_seed(0)
        plain = method_learner("byol", SERIES.encoders["small"]())
        plain.online = Network(plain.online.encoder)  # no head, so no batch statistics
        plain.predictor = torch.nn.Linear(6, 6)
        plain.teacher = Follower(plain.online, MovingAverage())
        run(folder, Few(), replace(OPTIONS, steps=1, warmup=0, accumulate=parts, optimizer="lars"), learner=plain)
        return {name: value.clone() for name, value in plain.predictor.state_dict().items()}

    whole, parts = one_step(1, tmp_path / "whole"), one_step(2, tmp_path / "parts")
    for name in whole:
        assert torch.allclose(whole[name], parts[name], atol=1e-7), name


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"batch": 0}, r"\(--batch\) must lie in \[1, 1e\+06\], got 0"),
        ({"batch": 5, "accumulate": 2}, "--batch 5 must be a multiple"),
    ],
)
def test_impossible_options_are_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        replace(OPTIONS, **change)
