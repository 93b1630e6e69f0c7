"""Law 9: N processes with their shares of a batch compute the loss and the gradients of one process with all of it."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, final

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from gestalt_example.dino_objective import DinoObjective
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.nn.parallel import DistributedDataParallel

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.mask_batches import JoinedMasks
from gestalt.core.data.masks import ItemMasks
from gestalt.core.data.segmentation import Elements, Objects
from gestalt.core.discovery.segmenters import GivenMasks
from gestalt.core.distributed.pieces import whole
from gestalt.core.distributed.ranks import gather, mean_over_ranks, rank, sum_over_ranks, world_size
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.objectives import AbstractObjective, Contrastive, Relic
from gestalt.core.methods.objectives.base import compares_elements
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.follower import MovingAverage
from gestalt.core.networks.norm import MaskedBatchNorm
from gestalt.core.optimization.after_step import AfterStep
from gestalt.core.training.cutting import cut
from gestalt.core.training.given_masks import with_equal_objects
from tests.implementations import (
    BANKED,
    DRAWING,
    ENCODERS,
    EVERY_OBJECTIVE,
    ITEMS,
    PROGRESS,
    labelled,
    make_batch,
    output,
    random_objects,
    seeded,
)
from tests.masked_methods import ALL_LEARNERS
from tests.matched_objectives import ALIKE, in_elements
from tests.oracles import naive_contrastive

SHARES = {2: (4, 2), 3: (1, 3, 2)}
"""Items of each rank, for every number of processes: six in all, unevenly spread."""
ITEMS_IN_ALL = 6


@final
@dataclass(frozen=True)
class Result:
    """What a case gives on one rank: averaged over ranks, and joined over ranks, it is what one process gives."""

    mean: dict[str, Tensor]
    rows: dict[str, Tensor]


Case = Callable[[slice], Result]


def gradients(module: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


def seen_by(network: nn.Module, objects: Objects, share: slice) -> Objects:
    """The objects of some items, and their elements where they have any, through a network."""
    own = objects.elements
    elements = None if own is None else Elements(network(own.vectors[share]), own.weights[share])
    return replace(Objects(objects.vectors[share], objects.present[share]).map(network), elements=elements)


def objective_case(build: Callable[[], AbstractObjective], objects: int, share: slice) -> Result:
    """Two views whose online vectors come through one shared linear map; two batches, and the state after the first."""
    torch.manual_seed(0)
    shared, objective = nn.Linear(5, 4), build()
    values = []
    for step in range(2):
        views = [random_objects(ITEMS_IN_ALL, objects, 5, seed=20 * step + view) for view in range(2)]
        targets = [random_objects(ITEMS_IN_ALL, objects, 4, seed=20 * step + 10 + view) for view in range(2)]
        if compares_elements(objective):
            views, targets = ([in_elements(one, 40 + step) for one in side] for side in (views, targets))
        online = tuple(seen_by(shared, view, share) for view in views)
        teacher = tuple(seen_by(nn.Identity(), target, share) for target in targets)
        known = labelled(online[0], share.start, seed=step, classes=2)  # so that several positives fit
        value = objective(online, teacher, known).value
        value.backward()
        values.append(value.detach())
        if isinstance(objective, AfterStep):
            objective.after_step([output(teacher, known)], PROGRESS)
    state = {name: buffer.double() for name, buffer in objective.named_buffers()}
    return Result({"losses": torch.stack(values).double(), **gradients(shared), **gradients(objective), **state}, {})


def norm_case(share: slice, empty_first: bool = False) -> Result:
    """A weighted sum of normalised rows, in training mode; then the running statistics."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(5, 4), MaskedBatchNorm(4))
    keep = slice(max(share.start, 4), max(share.stop, 4)) if empty_first else share
    rows, weights = torch.randn(ITEMS_IN_ALL, 5, generator=seeded()), torch.randn(ITEMS_IN_ALL, 4, generator=seeded(1))
    normal = layers(rows[keep])
    value = mean_over_ranks((normal * weights[keep]).sum(), torch.tensor(len(normal)))
    value.backward()
    running = {name: buffer.clone() for name, buffer in layers.named_buffers()}
    return Result({"loss": value.detach(), **gradients(layers), **running}, {"rows": normal.detach()})


def gather_case(share: slice) -> Result:
    """Every rank compares its rows with the rows of all."""
    torch.manual_seed(0)
    shared = nn.Linear(5, 4)
    mine = shared(torch.randn(ITEMS_IN_ALL, 5, generator=seeded())[share])
    everyone, start = gather(mine)
    assert torch.equal(everyone[start : start + len(mine)], mine)
    value = mean_over_ranks((mine @ everyone.T).square().sum(), torch.tensor(len(mine)))
    value.backward()
    return Result({"loss": value.detach(), "everyone": everyone.detach(), **gradients(shared)}, {})


def sum_case(share: slice) -> Result:
    """A sum over ranks, and the number and the count of them."""
    rows = torch.randn(ITEMS_IN_ALL, 5, generator=seeded())[share]
    assert 0 <= rank() < world_size()
    return Result({"sum": sum_over_ranks(rows.sum(dim=0))}, {})


def learner_case(kind: str, name: str, share: slice, again: bool = False, in_pieces: bool = False) -> Result:
    """A whole training step's loss and gradients, under DistributedDataParallel where there are several ranks.

    With `again` the elements of an item are those of few kinds that come again in others, as words do. With `in_pieces`
    each rank has a piece of the encoders' weights.
    """
    torch.manual_seed(0)
    learner = ALL_LEARNERS[name](ENCODERS[kind]())
    module: Any = learner
    if world_size() > 1:
        module = (
            cut(learner, init_device_mesh("cpu", (world_size(),))) if in_pieces else DistributedDataParallel(learner)
        )
    items = [item.sign() if again else item for item in ITEMS[kind](ITEMS_IN_ALL)[share]]
    outcome = module(make_batch(kind, items, seed=share.start), seeded(3), PROGRESS)
    outcome.loss.backward()
    found = {f"{part}": whole(p.grad).clone() for part, p in learner.named_parameters() if p.grad is not None}
    return Result({"loss": outcome.loss.detach(), **found}, {})


def masks_case(share: slice) -> Result:
    """DetCon on masks that come with the data: items have different numbers of objects, and so have ranks."""
    torch.manual_seed(0)
    online = Network(ENCODERS["series"](), nn.Linear(6, 5))
    learner = Learner(online, GivenMasks(), Relic(negatives=None, same_item=False))
    module: Any = DistributedDataParallel(learner) if world_size() > 1 else learner
    items = ITEMS["series"](ITEMS_IN_ALL)
    masks = [
        ItemMasks(torch.arange(len(item)) % (1 + 3 * number % 5), Grid.uniform((len(item),), (1.0,)))
        for number, item in enumerate(items)
    ]
    batch = replace(
        make_batch("series", items[share], seed=share.start), masks=JoinedMasks.of(masks[share]).segmentation()
    )
    outcome = module(with_equal_objects(batch), seeded(3), PROGRESS)
    outcome.loss.backward()
    return Result({"loss": outcome.loss.detach(), **gradients(learner)}, {})


CASES: dict[str, Case] = {
    **{
        f"objective {name}": functools.partial(objective_case, functools.partial(build, 4, 2), 3)
        for name, build in (EVERY_OBJECTIVE | DRAWING | ALIKE).items()
    },
    **{
        f"objective {name}": functools.partial(objective_case, functools.partial(build, ITEMS_IN_ALL, 4), 1)
        for name, build in BANKED.items()
    },
    "objective dino, of another distribution": functools.partial(
        objective_case, lambda: DinoObjective(4, 7, MovingAverage(0.5), frozen_epochs=0), 3
    ),
    "row norm": norm_case,
    "row norm, ranks without rows": functools.partial(norm_case, empty_first=True),
    "gather": gather_case,
    "sum": sum_case,
    "masks of the data": masks_case,
    **{f"{name} on points": functools.partial(learner_case, "points", name) for name in ALL_LEARNERS},
    **{f"{name} on series": functools.partial(learner_case, "series", name) for name in ("byol", "odin")},
    **{
        f"{name} on words": functools.partial(learner_case, "points", name, again=True)
        for name in ("next-element", "skip-gram")
    },
}


APART = "negatives of one's own rank alone"
"""The one objective whose loss depends on how items are spread."""


def apart_case(share: slice) -> Result:
    """Contrast within each rank."""
    views = [random_objects(ITEMS_IN_ALL, 3, 4, seed=view) for view in range(4)]
    parts = [Objects(view.vectors[share], view.present[share]) for view in views]
    objective = Contrastive(other_ranks=False, same_view=True)
    value = objective((parts[0], parts[1]), (parts[2], parts[3]), labelled(parts[0])).value
    return Result({"loss": value}, {})


IN_PIECES: dict[str, Case] = {
    f"{name} in pieces": functools.partial(learner_case, "points", name, in_pieces=True) for name in ALL_LEARNERS
}


def share_of(number: int, sizes: tuple[int, ...]) -> slice:
    return slice(sum(sizes[:number]), sum(sizes[: number + 1]))


def work(number: int, folder: str, sizes: tuple[int, ...], names: Sequence[str]) -> None:
    """One rank: the cases in turn, its results into a file."""
    torch.set_num_threads(1)
    meeting = f"file://{folder}/meeting"
    dist.init_process_group("gloo", meeting, timedelta(seconds=60), world_size=len(sizes), rank=number)
    cases = CASES | {APART: apart_case} | IN_PIECES
    results = {name: cases[name](share_of(number, sizes)) for name in names}
    torch.save({name: (result.mean, result.rows) for name, result in results.items()}, f"{folder}/{number}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module", params=SHARES.values(), ids=[f"{count} ranks" for count in SHARES])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The results of every rank. A world is started once and runs all cases."""
    return results_of(tmp_path_factory.mktemp("world"), request.param, [*CASES, APART])


def results_of(folder: Path, sizes: tuple[int, ...], names: Sequence[str]) -> list[Any]:
    """The results of every rank."""
    mp.spawn(work, (str(folder), sizes, names), nprocs=len(sizes))  # type: ignore[attr-defined,no-untyped-call]
    return [load(folder / f"{number}.pt") for number in range(len(sizes))]


def load(path: Path) -> Any:
    return torch.load(path, weights_only=True)


@functools.cache
def alone(name: str) -> Result:
    """One process with the joined batch."""
    return (CASES | IN_PIECES)[name](slice(0, ITEMS_IN_ALL))


@pytest.mark.parametrize("name", CASES)
def test_several_ranks_give_what_one_rank_gives_with_the_joined_batch(name: str, world: list[Any]) -> None:
    assert_as_alone(name, world)


@pytest.mark.parametrize("part", ["first", pytest.param("others", marks=pytest.mark.long)])
@pytest.mark.parametrize("count", [2, pytest.param(3, marks=pytest.mark.long)])
def test_ranks_with_pieces_of_the_weights_give_what_one_rank_gives(count: int, part: str, tmp_path: Path) -> None:
    """First a method of every set of networks: others with the same networks differ in what is not cut."""
    firsts = dict[Any, str]()
    for name in ALL_LEARNERS:
        learner = ALL_LEARNERS[name](ENCODERS["points"]())
        firsts.setdefault((type(learner), frozenset(map(type, learner.heads().values()))), f"{name} in pieces")
    names = [name for name in IN_PIECES if (name in firsts.values()) is (part == "first")]
    assert len(names) >= 10
    found = results_of(tmp_path, SHARES[count], names)
    for name in names:
        assert_as_alone(name, found)


def assert_as_alone(name: str, world: list[Any]) -> None:
    expected = alone(name)
    shares = [results[name] for results in world]
    assert all(mean.keys() == expected.mean.keys() for mean, _ in shares)
    for part, tensor in expected.mean.items():
        found = torch.stack([mean[part] for mean, _ in shares]).mean(dim=0)
        torch.testing.assert_close(found, tensor, rtol=1e-3, atol=1e-4, msg=part)
    for part, tensor in expected.rows.items():
        torch.testing.assert_close(torch.cat([rows[part] for _, rows in shares]), tensor, rtol=1e-4, atol=1e-5)
    assert any(bool(tensor.abs().max() > 1e-1) for tensor in expected.mean.values())


def test_without_the_other_ranks_each_rank_contrasts_its_own_items_and_every_object_counts_alike(
    world: list[Any],
) -> None:
    found = sum(float(results[APART][0]["loss"]) for results in world) / len(world)
    views = [random_objects(ITEMS_IN_ALL, 3, 4, seed=view) for view in range(4)]
    expected = 0.0
    for one, two, own in ((0, 3, 2), (1, 2, 3)):
        losses, counts = [], []
        for number, _ in enumerate(world):
            share = share_of(number, SHARES[len(world)])
            online, teacher, same = (Objects(views[v].vectors[share], views[v].present[share]) for v in (one, two, own))
            losses.append(naive_contrastive(online, teacher, 0.1, same, same_item=True))
            counts.append(int((online.present & teacher.present).sum()))
        expected += sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts)
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("rows", [0, 1, 2, 7])
def test_row_norm_on_one_rank_is_batch_normalisation_for_any_number_of_rows(rows: int) -> None:
    values = torch.randn(rows, 3, generator=seeded()) * 3 + 1
    norm = MaskedBatchNorm(3)
    found = norm(values)
    mean = values.mean(dim=0) if rows else torch.zeros(3)
    variance = values.var(dim=0, correction=0) if rows else torch.ones(3)
    torch.testing.assert_close(found, (values - mean) / (variance + 1e-5).sqrt(), rtol=1e-4, atol=1e-5)
    if rows > 1:
        torch.testing.assert_close(norm.mean, 0.1 * mean)
        torch.testing.assert_close(norm.variance, 0.9 + 0.1 * values.var(dim=0))
    else:  # one row has no variance: the running statistics stay as they are
        assert norm.mean.tolist() == [0.0] * 3
        assert norm.variance.tolist() == [1.0] * 3


def test_row_norm_in_evaluation_uses_the_running_statistics_alone() -> None:
    norm = MaskedBatchNorm(2)
    norm(torch.randn(9, 2, generator=seeded()) + 2)
    norm.eval()
    rows = torch.randn(4, 2, generator=seeded(1))
    expected = (rows - norm.mean) / (norm.variance + 1e-5).sqrt()
    torch.testing.assert_close(norm(rows), expected)
    torch.testing.assert_close(norm(rows[:1]), expected[:1])


def test_a_mean_over_nothing_is_zero() -> None:
    assert mean_over_ranks(torch.tensor(0.0), torch.tensor(0)).item() == 0
