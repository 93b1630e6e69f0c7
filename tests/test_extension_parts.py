"""The components of the example distribution, without installing it: their equations, and the laws that ours meet."""

import doctest
import importlib
import inspect
import math
import pkgutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, final

import gestalt_example
import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from gestalt_example.align_uniform import AlignUniform
from gestalt_example.depth import Depth
from gestalt_example.dino import DINO, Projector
from gestalt_example.dino_objective import Prototypes
from gestalt_example.gaps import Gaps
from gestalt_example.line_objects import LineObjects, Options, Scenery, Scenes, depths, scene
from gestalt_example.lines import Conv
from torch import Tensor

from gestalt import FeatureMap, Grid, Labelling, Network, Objects, Preset, Segmentation, TargetHead
from gestalt.cli.fields import fields_of, parts_of
from gestalt.core.components.ranges import range_of
from gestalt.core.experiment.labelling import labels_of
from gestalt.core.experiment.predictions import PredictedBatch, Predictions
from gestalt.core.losses import unit
from gestalt.core.networks.heads import LinearHead
from tests import test_groupers as grouper_laws
from tests import test_objectives as objective_laws
from tests.implementations import GrouperCase, labelled, random_objects, seeded
from tests.test_ranks import ITEMS_IN_ALL, objective_case, share_of

MODULES = [name for _, name, _ in pkgutil.iter_modules(gestalt_example.__path__, "gestalt_example.")]
GAPS = GrouperCase(lambda objects: Gaps(objects), ordered=True, exact=False)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_its_documentation_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_every_public_thing_is_documented(name: str) -> None:
    public = [value for key, value in vars(importlib.import_module(name)).items() if not key.startswith("_")]
    own = [value for value in public if callable(value) and getattr(value, "__module__", "") == name]
    assert own
    for value in own:
        assert inspect.getdoc(value), value
        for key, part in vars(value).items() if inspect.isclass(value) else ():
            assert key.startswith("_") or not inspect.isfunction(part) or inspect.getdoc(part), f"{value}.{key}"


COMPONENTS = [DINO, AlignUniform, Gaps, Depth, Options, Scenery, Conv, Prototypes, Projector]


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.__name__)
def test_every_setting_has_a_help_and_every_number_a_range(component: Any) -> None:
    for field in fields_of(component):
        assert field.help, field.name
        numbers = {int, float} & set(parts_of(field.hint))
        assert not numbers or range_of(field.hint), field.name


def laws(module: ModuleType, *arguments: str) -> dict[str, Callable[..., None]]:
    """The tests of a module that ask for these arguments alone, but for those that look up an equation of ours."""
    found = {name: test for name, test in vars(module).items() if name.startswith("test_")}
    return {
        name: test
        for name, test in found.items()
        if tuple(inspect.signature(test).parameters) == arguments and "expected" not in test.__code__.co_names
    }


@pytest.mark.parametrize("law", laws(grouper_laws, "case"))
def test_the_grouper_meets_the_laws_of_groupers(law: str) -> None:
    getattr(grouper_laws, law)(GAPS)


@pytest.mark.parametrize("law", laws(objective_laws, "build"))
def test_the_objective_meets_the_laws_of_objectives(law: str) -> None:
    getattr(objective_laws, law)(lambda _dim, _views: AlignUniform(uniformity=0.2))


def test_there_are_such_laws() -> None:
    assert len(laws(grouper_laws, "case")) >= 6
    assert len(laws(objective_laws, "build")) >= 5


@pytest.mark.parametrize("why", ["nothing is present", "nothing is shared"])
def test_absent_objects_give_a_zero_loss_with_zero_gradient(why: str) -> None:
    objective_laws.test_a_batch_without_shared_objects_gives_a_zero_loss_with_zero_gradient(
        lambda _dim, _views: AlignUniform(), why
    )


def naive_align_uniform(online: Objects, teacher: Objects, weight: float, sharpness: float) -> float:
    """Both parts object by object and pair by pair."""
    both = (online.present & teacher.present).nonzero().tolist()
    rows = [unit(online.vectors[b, k]) for b, k in both]
    if not rows:
        return 0.0
    aligned = [
        float((row - unit(teacher.vectors[b, k])).square().sum()) for row, (b, k) in zip(rows, both, strict=True)
    ]
    pairs = [
        math.exp(-sharpness * float((one - other).square().sum()))
        for i, one in enumerate(rows)
        for j, other in enumerate(rows)
        if i != j
    ]
    spread = math.log(sum(pairs) / len(pairs)) if pairs else 0.0
    return sum(aligned) / len(aligned) + weight * spread


@pytest.mark.parametrize("absent", [0.0, 0.4])
@pytest.mark.parametrize("shape", [(1, 1, 4), (1, 3, 2), (3, 4, 5)])
def test_alignment_and_uniformity_are_those_of_a_naive_loop(shape: tuple[int, int, int], absent: float) -> None:
    online = tuple(random_objects(*shape, seed=view, absent=absent) for view in range(3))
    teacher = tuple(random_objects(*shape, seed=10 + view, absent=absent) for view in range(2))
    found = float(AlignUniform(0.5, 3.0)(online, teacher, labelled(online[0])).value)
    pairs = [(i, j) for i in range(3) for j in range(2) if i != j]
    losses = [naive_align_uniform(online[i], teacher[j], 0.5, 3.0) for i, j in pairs]
    assert found == pytest.approx(2 * sum(losses) / len(losses), rel=1e-4, abs=1e-5)


def ranked(number: int, folder: str, sizes: tuple[int, ...]) -> None:
    """One of several ranks, its numbers into a file."""
    torch.set_num_threads(1)
    meeting = f"file://{folder}/meeting"
    dist.init_process_group("gloo", meeting, timedelta(seconds=60), world_size=len(sizes), rank=number)
    result = objective_case(AlignUniform, 3, share_of(number, sizes))
    torch.save(result.mean, f"{folder}/{number}.pt")
    dist.destroy_process_group()


def test_two_ranks_align_and_spread_as_one_with_the_joined_batch(tmp_path: Path) -> None:
    mp.spawn(ranked, (str(tmp_path), (4, 2)), nprocs=2)  # type: ignore[attr-defined,no-untyped-call]
    ranks = [torch.load(tmp_path / f"{number}.pt", weights_only=True) for number in range(2)]
    for part, expected in objective_case(AlignUniform, 3, slice(0, ITEMS_IN_ALL)).mean.items():
        found = torch.stack([rank[part] for rank in ranks]).mean(dim=0)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        assert bool(expected.abs().max() > 1e-2)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("objects", [1, 3, 6])
def test_gaps_are_the_greatest_differences_between_neighbours(seed: int, objects: int) -> None:
    item = torch.randn(12, 3, generator=seeded(seed))
    labels = Gaps(objects, least=0.8)(GAPS.features([item]), seeded()).labels()[0]
    gaps = [float((item[i + 1] - item[i]).norm()) for i in range(11)]
    greatest = sorted(gaps, reverse=True)[: objects - 1]
    cuts = [i for i, gap in enumerate(gaps) if gap in greatest and gap > 0.8 * max(gaps)]
    assert [i for i in range(11) if labels[i] != labels[i + 1]] == cuts
    assert labels.tolist() == sorted(labels.tolist())
    assert len(labels.unique()) == len(cuts) + 1


def test_gaps_refuse_sets_and_pictures() -> None:
    values, valid = torch.ones(1, 4, 2), torch.ones(1, 4, dtype=torch.bool)
    for grid in (None, Grid.uniform((2, 2), (1.0, 1.0))):
        with pytest.raises(ValueError, match="one axis"):
            Gaps()(FeatureMap(values, valid, grid), seeded())
    with pytest.raises(ValueError, match=r"Gaps: least must lie in \[0, 1\], got 2"):
        Gaps(least=2)


def test_the_depth_of_an_object_is_the_geometric_mean_of_what_is_known_of_its_elements() -> None:
    known = torch.tensor([[1.0, 4.0, 5.0, torch.nan], [2.0, 8.0, torch.nan, torch.nan]])
    segments = Segmentation.from_labels(torch.tensor([[0, 0, 1, 2], [0, 1, 1, -1]]), objects=3)
    found = Depth().of_objects(known, segments)
    torch.testing.assert_close(found[0], torch.tensor([2.0, 5.0, torch.nan]), equal_nan=True)
    torch.testing.assert_close(found[1], torch.tensor([2.0, 8.0, torch.nan]), equal_nan=True)
    whole = Depth().of_objects(known, Segmentation.whole_items(2))
    torch.testing.assert_close(whole[:, 0], torch.tensor([20 ** (1 / 3), 4.0]))


def test_the_loss_and_the_scores_of_depth_are_those_of_their_equations() -> None:
    target, outputs = Depth(typical=2.0), torch.tensor([[0.0], [math.log(2)], [math.log(0.5)]])
    known = torch.tensor([2.0, 4.4, 3.0])
    assert target.decode(outputs)[:, 0].tolist() == pytest.approx([2.0, 4.0, 1.0])
    off = [0.0, math.log(4.0 / 4.4), math.log(1 / 3)]
    assert target.loss(outputs, known).tolist() == pytest.approx([error**2 for error in off], abs=1e-6)
    scores = target.score(outputs, known)
    assert scores["log_rmse"] == pytest.approx(math.sqrt(sum(error**2 for error in off) / 3))
    assert scores["within_a_quarter"] == pytest.approx(2 / 3)


def test_a_head_learns_the_depth_of_objects_of_which_it_is_known() -> None:
    torch.manual_seed(0)
    head = TargetHead(LinearHead(4, Depth.outputs), Depth())
    view = random_objects(16, 3, 4, seed=0)
    known = (view.vectors.sum(dim=2) / 4).exp()
    known[:4] = torch.nan
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    first = head((view, view), known)
    for _ in range(120):
        optimizer.zero_grad()
        head((view, view), known).value.backward()
        optimizer.step()
    last = head((view, view), known)
    assert float(last.value.detach()) < 0.01 * float(first.value.detach())
    assert float(last.parts["task_within_a_quarter"]) > 0.95


@pytest.mark.parametrize("number", range(5))
def test_every_pixel_shows_the_nearest_thing_there(number: int) -> None:
    made = scene(number, Scenery(pixels=80, things=4, noise=0.0))
    assert made.line.shape == (80, 3)
    ratio = made.line * (1 + made.depth)[:, None]
    away = {int(thing): made.depth[made.things == thing] for thing in np.unique(made.things)}
    assert all(np.ptp(depth) == 0 for depth in away.values())
    assert min(away[0]) >= 6.0
    assert max(float(depth[0]) for thing, depth in away.items() if thing) <= 5.0
    for thing in away:  # one colour each, dimmed by its depth
        assert np.ptp(ratio[made.things == thing], axis=0).max() < 1e-5
        places = np.flatnonzero(made.things == thing)
        for hidden in range(places[0], places[-1] + 1) if thing else ():
            assert made.depth[hidden] <= away[thing][0]


def test_a_share_of_the_lines_is_measured_and_the_true_things_score_best() -> None:
    recipe = LineObjects(Options(lines=30, test_lines=6, labelling=Labelling(label_share=0.3)))
    data = recipe.data()
    assert data.labels is not None
    assert data.truth is not None
    items = Scenes(30, 0, Scenery())
    assert torch.equal(data.labels.known, depths(items).known)
    told = labels_of(data, recipe.options.labelling, seed=0)
    assert told is not None
    shown = told.known_items()
    assert len(shown) == 10, "one of every three, evenly over the depths"
    assert torch.equal(told.known[shown], data.labels.known[shown])
    assert np.array_equal(data.items.read(4, np.random.default_rng(9)), items.scene(4).line)
    batch = recipe.modality.collate(list(data.evaluated))
    truth: Tensor = data.truth
    perfect = recipe.measure(Predictions((PredictedBatch(batch, truth),)), truth)
    assert perfect == {"ARI": 1.0, "mBO": 1.0}
    rows = recipe.baselines(Network(recipe.modality.encoders["conv"]()), data, truth)
    assert all(0 < row["ARI"] < 1 for row in rows.values())


@final
@dataclass(frozen=True)
class Inner:
    """Settings that belong together."""

    how: Literal["well", "badly"] = "well"
    """How."""


@final
@dataclass(frozen=True)
class Outer:
    """Settings of a component of another package."""

    inner: Inner = Inner()
    """Those that belong together."""


def test_a_dataclass_of_any_package_has_options_of_its_own() -> None:
    (field,) = fields_of(Outer)
    assert field.structure is Inner
    assert not Inner.__module__.startswith("gestalt")


def test_every_entry_point_names_something_of_the_package() -> None:
    path = Path(__file__).parent / "extension_package" / "pyproject.toml"
    groups: dict[str, dict[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["entry-points"]
    for values in groups.values():
        for value in values.values():
            module, _, name = value.partition(":")
            found: Any = getattr(importlib.import_module(module), name)
            kind = type(found) if isinstance(found, Preset) else found
            assert getattr(kind, "__module__", "").startswith(("gestalt_example.", "gestalt.core.methods.presets"))
