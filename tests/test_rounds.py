"""Rounds: segments of the whole training set are found, kept on disk, and used until the next round."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor
from tqdm import tqdm

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.cut import cut
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.items import BadItemError
from gestalt.core.data.masks import ItemMasks, ListedMasks
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.data.transplants import Transplants
from gestalt.core.data.view import Batch, View
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.discovery.segmenters import GivenMasks, Rounds
from gestalt.core.discovery.segmenters.in_rounds import in_rounds
from gestalt.core.experiment.report_parts import rounds_said
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.odin_rounds import OdinRounds
from gestalt.core.methods.settings import Heads
from gestalt.core.modality.transform import Views
from gestalt.core.optimization.progress import Progress
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.checkpoint import load_checkpoint
from gestalt.core.training.data import Order, batches
from gestalt.core.training.kept_segments import KeptSegments
from gestalt.core.training.loop import TrainingResult, launch, train_learner
from gestalt.core.training.metrics_log import read_metrics
from gestalt.core.training.options import Training
from gestalt.core.training.round_plan import RoundPlan
from gestalt.core.training.round_signs import ROUNDS, RoundSigns, read_signs, write_signs
from gestalt.core.training.steady_items import SteadyItems
from gestalt.core.training.training_data import TrainingData
from tests.implementations import seeded
from tests.test_stopping import assert_same_numbers, interrupting
from tests.test_training import OPTIONS, SERIES, Few, unreadable

THREE = Rounds(3)
"""Three rounds of three steps: the first on the rule's segments."""


def learner(rounds: Rounds = THREE, **changes: Any) -> Learner:
    """A small learner that starts from the same weights every time; its rule halves a series."""
    torch.manual_seed(0)
    encoder = SERIES.encoders["small"]()
    info = DataInfo(finder=ObjectFinder(KMeans(2), "hidden"), first_segments=GivenMasks(halves))
    return OdinRounds(rounds=rounds, **changes).build(encoder, info)


def halves(data: Any) -> Segmentation:
    """Two objects: the first half of every series, and the second."""
    features: FeatureMap = SERIES.encoders["raw"]()(data)
    place = torch.arange(features.valid.shape[1])
    labels = (place >= features.valid.sum(dim=1, keepdim=True) // 2).long()
    return Segmentation.from_labels(torch.where(features.valid, labels, -1), 2, features.grid)


def run(folder: Path, items: Any, options: Training = OPTIONS, resume: bool = False, **more: Any) -> TrainingResult:
    folder.mkdir(exist_ok=True)
    own = more.pop("learner", None) or learner()
    views: Views[Tensor] = more.pop("views", SERIES.views)
    return train_learner(
        launch(options), own, TrainingData(items, views, SERIES.collate, **more), options, folder, resume
    )


def kept(folder: Path, number: int) -> list[ItemMasks | None]:
    found = KeptSegments(folder / "segments" / f"round-{number}", 10)
    return [found.of_item(index, None) for index in range(10)]


def test_rounds_follow_the_steps_and_the_rate_rises_in_each() -> None:
    plan = RoundPlan(Rounds(3), replace(OPTIONS, steps=8), steps_per_epoch=2)
    assert [plan.round_of(step) for step in range(8)] == [0, 0, 0, 1, 1, 1, 2, 2]
    assert [plan.end(step) for step in range(8)] == [3, 3, 3, 6, 6, 6, 8, 8]
    rates = [plan.rate(step) for step in range(8)]
    assert rates[:3] == rates[3:6]
    assert rates[6:] == [0.5, 1.0]
    assert rates != [RoundPlan(Rounds(3, restart=False), OPTIONS, 2).rate(step) for step in range(8)]
    by_epochs = RoundPlan(Rounds(2, "epochs"), OPTIONS, steps_per_epoch=2)
    assert [by_epochs.round_of(step) for step in (0, 3, 4, 8)] == [0, 0, 1, 2]
    assert RoundPlan(None, OPTIONS, 2).end(5) == OPTIONS.steps


def test_the_first_round_learns_from_the_rule_and_later_ones_from_what_was_found(tmp_path: Path) -> None:
    own = learner()
    assert in_rounds(own) is not None
    assert run(tmp_path, Few(), learner=own).finished
    for index, masks in enumerate(kept(tmp_path, 0)):
        item = SteadyItems(Few(), OPTIONS.seed).read(index, np.random.default_rng(9))
        expected = halves(SERIES.collate([item])).labels()[0]
        assert masks is not None
        assert torch.equal(masks.labels, expected)
        assert masks.grid is not None
    found = [masks.labels.tolist() for masks in kept(tmp_path, 2) if masks is not None]
    assert len(found) == 10
    assert found != [masks.labels.tolist() for masks in kept(tmp_path, 0) if masks is not None]
    # The last round's segments are those that the network of step 6 finds.
    state = load_checkpoint(tmp_path)
    assert state is not None
    assert state["step"] == 9


def test_kept_segments_and_segments_found_in_the_step_give_the_same_training() -> None:
    """As long as what finds them does not change: in the first round that is a rule."""
    own, items = learner(), SteadyItems(Few(), 0)

    def found(index: int) -> ItemMasks | None:
        data = SERIES.collate([items.read(index, np.random.default_rng(0))])
        segmenter = in_rounds(own)
        assert segmenter is not None
        return cut(*segmenter.find(0, data, seeded()))[0]

    masks = ListedMasks[Tensor]([found(index) for index in range(10)])
    order = Order(10, 4, 2, 0)
    fresh = batches(items, SERIES.views, SERIES.collate, order, 0, False)
    stored = batches(items, SERIES.views, SERIES.collate, order, 0, False, masks=masks)
    for without, with_masks in zip(fresh, stored, strict=True):
        assert without.masks is None
        assert with_masks.masks is not None
        losses = [own(batch, seeded(1), Progress(0, 9, 2)).loss.detach() for batch in (without, with_masks)]
        assert torch.equal(losses[0], losses[1])
        assert float(losses[0]) > 0.1


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(folder, Few()).finished
    return folder


@pytest.mark.parametrize("read", [1, 13, 17, 26, 40, 58, 61])
def test_a_run_stopped_anywhere_and_resumed_gives_the_same_numbers_bit_for_bit(
    whole: Path, tmp_path: Path, read: int
) -> None:
    stopped = run(tmp_path, interrupting(read))
    assert not stopped.finished
    assert run(tmp_path, Few(), resume=True).finished
    assert_same_numbers(whole, tmp_path)
    assert _archives(tmp_path) == _archives(whole)


def _archives(folder: Path) -> dict[str, list[Any]]:
    return {
        str(path.relative_to(folder)): [array.tolist() for array in np.load(path).values()]
        for path in sorted(folder.rglob("*.npz"))
    }


def test_a_kill_while_segments_are_found_leaves_the_checkpoint_that_finds_the_same_again(
    whole: Path, tmp_path: Path
) -> None:
    """Whatever shards were written stay, the rest are found by the network of the checkpoint."""

    class Killed(BaseException):
        pass

    count = 0

    def act(_: int) -> None:
        nonlocal count
        count += 1
        if count == 36:  # ten items of round 0, ten for its signs, twelve of its steps, and then within round 1
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path, Few(act))
    assert not (tmp_path / "segments" / "round-1").exists()
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert saved["step"] == 3  # the round's begin, though no checkpoint was due
    assert run(tmp_path, Few(), resume=True).finished
    assert_same_numbers(whole, tmp_path)


def test_segments_that_are_missing_in_the_middle_of_a_round_are_named(tmp_path: Path) -> None:
    stopped = run(tmp_path, interrupting(58))
    assert 3 < stopped.step < 6
    shutil.rmtree(tmp_path / "segments" / "round-1")
    with pytest.raises(FileNotFoundError, match=r"round-1.*the network that found these segments has gone on"):
        run(tmp_path, Few(), resume=True)


def test_a_new_run_forgets_the_segments_of_an_earlier_one(tmp_path: Path) -> None:
    old = KeptSegments(tmp_path / "segments" / "round-0", 10)
    old.write(0, {0: ItemMasks(torch.tensor([7]), None)})
    assert run(tmp_path, Few()).finished
    first = kept(tmp_path, 0)[0]
    assert first is not None
    assert first.objects() == [0, 1]


def test_masks_that_come_with_the_data_are_the_first_round(tmp_path: Path) -> None:
    masks = [ItemMasks(torch.tensor([0, 1]), Grid((torch.tensor([[0.0, 4.0, 99.0]]),))) for _ in range(10)]
    assert run(tmp_path, Few(), masks=ListedMasks(masks)).finished
    assert not (tmp_path / "segments" / "round-0").exists()
    assert (tmp_path / "segments" / "round-1").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_item_is_named_or_passed_over_and_counted_once(tmp_path: Path, workers: int) -> None:
    options = replace(OPTIONS, workers=workers)
    with pytest.raises(BadItemError, match="series 3: is damaged"):
        run(tmp_path, Few(unreadable), options)
    passed = run(tmp_path, Few(unreadable), options, skip_bad=True)
    assert passed.finished
    assert {entry.name for entry in passed.skipped} == {"series 3"}
    assert kept(tmp_path, 1)[3] is None


def test_an_item_is_read_in_one_way_all_through_a_run() -> None:
    steady, other = SteadyItems(Few(), 0), SteadyItems(Few(), 1)
    first, again = (steady.read(2, np.random.default_rng(seed)) for seed in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other.read(2, np.random.default_rng(0)))
    assert steady.name(2) == "series 2"
    assert len(steady) == 10


def test_the_signs_of_every_round_stand_in_a_table(whole: Path) -> None:
    signs = read_signs(whole)
    assert [(one.round, one.step) for one in signs] == [(0, 0), (1, 3), (2, 6)]
    assert signs[0].objects == 2.0
    assert np.isnan(signs[0].agreement)
    for number in (1, 2):
        pairs = zip(kept(whole, number), kept(whole, number - 1), strict=True)
        expected = [adjusted_rand_score(b.labels, a.labels) for a, b in pairs if a is not None and b is not None]
        assert signs[number].agreement == pytest.approx(float(np.mean(expected)), abs=1e-5)
    assert "agree with the round before by" in signs[1].said()


def test_the_time_left_counts_no_search_for_segments_as_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paused = []

    class Bar(tqdm):  # type: ignore[type-arg]
        def unpause(self) -> None:
            paused.append(self.n)
            super().unpause()

    monkeypatch.setattr("gestalt.core.training.loop.tqdm", Bar)
    run(tmp_path, Few())
    assert paused == [0, 3, 6]


def test_borders_that_vanish_are_merged_and_later_rounds_are_written_anew(tmp_path: Path) -> None:
    grid = Grid.uniform((2, 3), (1.0, 1.0))
    before = ItemMasks(torch.tensor([0, 0, 1, 2, 2, 1]), grid)  # borders: 0|1, 2|1 across, 0|2 twice down
    now = ItemMasks(torch.tensor([0, 0, 1, 0, 0, 1]), grid)
    signs = RoundSigns.of(1, 300, [now, None], [before, None])
    assert signs.merged == 0.5
    assert (signs.objects, signs.size, signs.background) == (2.0, 0.5, 0.0)
    for number in (0, 1, 2, 1):
        write_signs(tmp_path, RoundSigns.of(number, 300 * number, [now], [before]))
    assert [one.round for one in read_signs(tmp_path)] == [0, 1]
    assert read_signs(tmp_path / "nowhere") == []


def test_segments_on_disk_come_back_whole_and_are_small(tmp_path: Path) -> None:
    kept_segments = KeptSegments(tmp_path, 70)
    assert not kept_segments.complete
    picture = torch.randint(-1, 200, (64 * 48,), generator=seeded())
    masks = ItemMasks(picture, Grid.uniform((64, 48), (1.0, 2.0)))
    words = ItemMasks(torch.tensor([0, 0, -1, 40_000]), None)
    kept_segments.write(0, {0: masks, 7: words})
    kept_segments.write(1, {69: masks})
    assert kept_segments.complete
    back = kept_segments.of_item(0, None)
    assert back is not None
    assert back.grid is not None
    assert torch.equal(back.labels, masks.labels)
    assert back.grid.edges[1].tolist() == [[2.0 * place for place in range(49)]]
    again = kept_segments.of_item(7, None)
    assert again is not None
    assert (again.labels.tolist(), again.grid) == ([0, 0, -1, 40_000], None)
    assert kept_segments.of_item(8, None) is None
    halves_of_a_picture = ItemMasks((torch.arange(64 * 64) >= 2048).long(), Grid.uniform((64, 64), (1.0, 1.0)))
    KeptSegments(tmp_path / "small", 1).write(0, {0: halves_of_a_picture})
    assert (tmp_path / "small" / "segments-00000.npz").stat().st_size < 2000


def test_segments_that_another_run_wrote_in_the_same_place_are_read_anew(tmp_path: Path) -> None:
    """Whoever trains twice in one folder, in one process, learns from the segments of the second run."""
    kept_segments = KeptSegments(tmp_path, 1)
    for labels in ([0, 1, 1], [1, 0, 0]):
        kept_segments.write(0, {0: ItemMasks(torch.tensor(labels), None)})
        found = kept_segments.of_item(0, None)
        assert found is not None
        assert found.labels.tolist() == labels


def test_a_damaged_file_of_segments_is_named(tmp_path: Path) -> None:
    kept_segments = KeptSegments(tmp_path, 1)
    kept_segments.write(0, {0: ItemMasks(torch.tensor([0]), None)})
    kept_segments.path(0).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(BadItemError, match=r"segments-00000.npz: the segments of this round are damaged"):
        kept_segments.of_item(0, None)


def test_a_round_is_logged_and_its_losses_are_of_elements(whole: Path) -> None:
    rows = read_metrics(whole)
    assert (whole / METRICS).is_file()
    assert all("elements" in row for row in rows)


def test_pooled_contrast_beside_elements_trains_a_projector(tmp_path: Path) -> None:
    own = learner(contrast=0.5, heads=Heads(8, 5))
    before = [p.clone() for p in own.online.projector.parameters()]
    assert run(tmp_path, Few(), learner=own).finished
    assert all(not torch.equal(a, b) for a, b in zip(before, own.online.projector.parameters(), strict=True))


def test_rounds_need_a_finder() -> None:
    with pytest.raises(ValueError, match="odin-rounds finds objects as a recipe does"):
        OdinRounds().build(SERIES.encoders["small"](), DataInfo())


def test_rounds_are_options() -> None:
    assert OdinRounds().transplants == Transplants()
    with pytest.raises(ValueError, match="every"):
        Rounds(0)


def test_the_background_may_be_one_more_object() -> None:
    """Elements of no object are then compared with one another, and told from all objects."""
    data = SERIES.collate([SteadyItems(Few(), 0).read(0, np.random.default_rng(0))])
    info = DataInfo(finder=ObjectFinder(KMeans(2), "hidden"), first_segments=GivenMasks(halves))
    made = []
    for background in (False, True):
        torch.manual_seed(0)
        own = OdinRounds(background=background).build(SERIES.encoders["small"](), info)
        segmenter = in_rounds(own)
        assert segmenter is not None
        kept_masks = halves(data)
        kept_masks.weights[:, 1] = 0.0  # the second half is no object
        identity = Affine.identity(1)
        view = View(data, identity)
        batch = Batch(view, (view, view), ("one",), torch.tensor([0]), masks=kept_masks)
        made.append((segmenter(batch, seeded()), float(own(batch, seeded(), Progress(0, 9, 2)).loss.detach())))
    (plain, alone), (with_rest, told) = made
    assert plain.objects == 2
    assert with_rest.objects == 3
    assert torch.equal(with_rest.weights[:, :2], plain.weights)
    assert with_rest.weights.sum(dim=1).tolist() == [[1.0] * plain.weights.shape[2]]
    assert alone == pytest.approx(0.0, abs=1e-6)  # one object is told from nothing
    assert told > 0.1


def test_a_short_round_looks_at_the_items_that_it_learns_from_alone(tmp_path: Path) -> None:
    read = set[int]()
    options = replace(OPTIONS, steps=3, batch=2, log_every=1)
    assert run(tmp_path, Few(read.add), options, learner=learner(Rounds(1))).finished
    wanted = [Order(10, 2, 3, OPTIONS.seed).between(step, step + 1).members() for step in range(3)]
    assert [len(items) for items in wanted] == [2, 2, 2]
    assert read == set().union(*wanted)
    for number, items in enumerate(wanted):
        assert [index for index, one in enumerate(kept(tmp_path, number)) if one is not None] == items
    assert Order(10, 4, 9, 0).between(0, 2).members() == list(range(10))


def test_with_first_only_every_round_compares_what_the_first_did(tmp_path: Path) -> None:
    run(tmp_path / "first", Few(), learner=learner(replace(THREE, first_only=True)))
    for number in (1, 2):
        for one, first in zip(kept(tmp_path / "first", number), kept(tmp_path / "first", 0), strict=True):
            assert one is not None
            assert first is not None
            assert torch.equal(one.labels, first.labels)


def test_signs_of_an_older_version_say_nothing_of_views(tmp_path: Path) -> None:
    masks = ItemMasks(torch.tensor([0, 0, 1, -1]), None)
    write_signs(tmp_path, RoundSigns.of(0, 0, [masks], []))
    lines = (tmp_path / ROUNDS).read_text(encoding="utf-8").splitlines()
    assert lines[0].endswith(",views")
    (tmp_path / ROUNDS).write_text("".join(line.rpartition(",")[0] + "\n" for line in lines), encoding="utf-8")
    (signs,) = read_signs(tmp_path)
    assert np.isnan(signs.views)
    assert "views" not in rounds_said([signs])
    assert rounds_said([replace(signs, views=0.5)]).endswith("two views of an item agree by 0.50")
