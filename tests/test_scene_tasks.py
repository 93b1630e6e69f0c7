"""What is true of scenes is exact, the metrics are those of the field, and the program fills every cell once."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from gestalt.core.evaluation import Table
from gestalt.core.training.options import Training
from gestalt.recipes.scene_tasks import recipe
from gestalt.recipes.scene_tasks.depth import Depth, errors
from gestalt.recipes.scene_tasks.elements import cells, on_pixels
from gestalt.recipes.scene_tasks.instances import Instances, detector, targets_of
from gestalt.recipes.scene_tasks.keypoints import Keypoints, heat_of, highest, middles, pck
from gestalt.recipes.scene_tasks.keypoints_of import extreme_points
from gestalt.recipes.scene_tasks.rows import Pictures, fresh, plain
from gestalt.recipes.scene_tasks.scenes import GROUND, SIZE, Scenes, scenes
from gestalt.recipes.scene_tasks.segmentation import Segmentation, overlap, pixel_classes
from gestalt.recipes.scene_tasks.task import AbstractTask, Learning, shown, some

FEW = Learning(tune=2, detector_steps=2, batch=4)


@pytest.fixture(scope="module")
def made() -> Scenes:
    return scenes(12, 0, "train")


def things(made: Scenes) -> list[tuple[int, int]]:
    return [(scene, thing) for scene, thing in (made.classes >= 0).nonzero().tolist()]


def test_boxes_hold_what_is_to_be_seen_of_a_thing_and_nothing_less(made: Scenes) -> None:
    assert len(things(made)) > 24
    for scene, thing in things(made):
        seen = [(x, y) for y in range(SIZE) for x in range(SIZE) if int(made.owner[scene, y, x]) == thing]
        across, down = zip(*seen, strict=True)
        box = [min(across), min(down), max(across) + 1, max(down) + 1]
        assert made.boxes[scene, thing].tolist() == box
        assert targets_of(made, scene)["masks"][thing].nonzero().tolist() == sorted([y, x] for x, y in seen)
    assert int(made.owner.max()) == int((made.classes >= 0).sum(dim=1).max()) - 1


def test_what_is_nearer_lies_on_top_and_the_ground_is_behind_everything(made: Scenes) -> None:
    for scene in range(len(made)):
        depths = [made.depth[scene][made.owner[scene] == thing] for thing in range(int(made.owner[scene].max()) + 1)]
        assert all(len(one.unique()) == 1 for one in depths), "a thing stands at one depth"
        nearest_last = [float(one[0]) for one in depths]
        assert nearest_last == sorted(nearest_last, reverse=True)
        assert min(nearest_last) >= 1
        assert max(nearest_last) <= 2
        for y in range(SIZE):
            ground = made.depth[scene, y][made.owner[scene, y] < 0]
            expected = GROUND[0] + (GROUND[1] - GROUND[0]) * y / (SIZE - 1)
            assert ground.tolist() == pytest.approx([expected] * len(ground), abs=1e-5)


def test_nearer_things_are_larger() -> None:
    many = scenes(40, 3, "train")
    unhidden = [(s, t) for s, t in things(many) if bool(many.visible[s, t].all())]
    depth = torch.tensor([float(many.depth[s][many.owner[s] == t][0]) for s, t in unhidden])
    side = torch.tensor([float((many.boxes[s, t, 2:] - many.boxes[s, t, :2]).max()) for s, t in unhidden])
    assert np.corrcoef(1 / depth.numpy(), side.numpy())[0, 1] > 0.7


def test_extreme_points_are_found_as_a_walk_over_all_pixels_finds_them() -> None:
    for seed in range(20):
        mask = torch.rand(7, 5, generator=torch.Generator().manual_seed(seed)) > 0.6
        mask[3, 2] = True
        walked = []
        for across, down in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
            best = None
            for y in range(7):
                for x in range(5):
                    if mask[y, x] and (best is None or across * x + down * y < across * best[0] + down * best[1]):
                        best = (x, y)
            assert best is not None
            walked.append([best[0] + 0.5, best[1] + 0.5])
        assert extreme_points(mask).tolist() == walked


def test_a_point_is_visible_where_its_thing_is_on_top_and_then_lies_in_its_box(made: Scenes) -> None:
    hidden = 0
    for scene, thing in things(made):
        for kind in range(4):
            x, y = made.points[scene, thing, kind].tolist()
            assert bool(made.visible[scene, thing, kind]) == (int(made.owner[scene, int(y), int(x)]) == thing)
            hidden += not bool(made.visible[scene, thing, kind])
            if made.visible[scene, thing, kind]:
                left, top, right, bottom = made.boxes[scene, thing].tolist()
                assert left < x < right
                assert top < y < bottom
    assert hidden > 0
    assert not bool(made.visible[made.classes < 0].any())


def test_scenes_are_the_same_again_and_those_of_other_parts_show_other_things(made: Scenes) -> None:
    scenes.cache_clear()
    again = scenes(12, 0, "train")
    assert all(torch.equal(getattr(made, name), getattr(again, name)) for name in Scenes.__dataclass_fields__)
    assert not torch.equal(made.pixels, scenes(12, 0, "validation").pixels)
    assert Pictures(made).read(3, np.random.default_rng(0)).equal(made.pixels[3])


def test_pixels_of_cells_and_cells_of_pixels_belong_together() -> None:
    numbers = torch.arange(SIZE // 2 * (SIZE // 2)).view(1, SIZE // 2, SIZE // 2)
    assert (cells(on_pixels(numbers)) == numbers.flatten()[None, :, None]).all()
    centres = plain()(recipe_batch(1)).grid
    assert centres is not None
    assert middles().flip(1).equal(centres.centres()[0])


def recipe_batch(count: int) -> object:
    from gestalt.modalities.image import MODALITY

    return MODALITY.collate([torch.rand(3, SIZE, SIZE) for _ in range(count)])


def test_overlap_of_classes_agrees_with_sets_of_pixels(made: Scenes) -> None:
    true = pixel_classes(made)
    found = torch.where(torch.rand(true.shape, generator=torch.Generator().manual_seed(0)) < 0.3, 2, true)
    ratios = []
    for number in true.unique().tolist():
        one = set((true == number).flatten().nonzero()[:, 0].tolist())
        other = set((found == number).flatten().nonzero()[:, 0].tolist())
        ratios.append(len(one & other) / len(one | other))
    assert overlap(found, made)["mIoU"] == pytest.approx(sum(ratios) / len(ratios))
    assert overlap(true, made)["mIoU"] == 1
    for scene, thing in things(made):
        assert (true[scene][made.owner[scene] == thing] == made.classes[scene, thing]).all()


def test_errors_of_depth_agree_with_a_walk_over_pixels() -> None:
    found, true = torch.tensor([[[1.0, 2.0], [2.6, -1.0]]]), torch.tensor([[[1.2, 2.0], [2.0, 2.0]]])
    pairs = list(zip(found.flatten().tolist(), true.flatten().tolist(), strict=True))
    said = errors(found, true)
    assert said["RMSE"] == pytest.approx(math.sqrt(sum((one - other) ** 2 for one, other in pairs) / 4))
    assert said["δ < 1.25"] == 0.5, "0.2 of 1.2 is near enough, and what lies behind the camera is not"


def test_heat_leads_to_the_points_and_pck_counts_those_that_are_near(made: Scenes) -> None:
    alone = some(made, torch.arange(len(made)))
    only_first = Scenes(**{**vars(alone), "visible": alone.visible & (torch.arange(4)[:, None] == 0)})
    heat = heat_of(only_first).mT.unflatten(2, (SIZE // 2, SIZE // 2))
    assert pck(highest(heat, made.boxes), only_first) == 1
    distances, right = [], []
    guess = made.points + torch.tensor([3.0, 0.0])
    for scene, thing in things(made):
        left, top, end, bottom = made.boxes[scene, thing].tolist()
        for kind in range(4):
            if made.visible[scene, thing, kind]:
                distances.append(float((guess - made.points)[scene, thing, kind].norm()))
                right.append(distances[-1] <= 0.1 * max(end - left, bottom - top))
    assert 0 < pck(guess, made) < 1
    assert pck(guess, made) == pytest.approx(sum(right) / len(right))


def test_rules_look_at_no_picture(made: Scenes) -> None:
    black = Scenes(**{**vars(made), "pixels": torch.zeros_like(made.pixels)})
    for task in recipe.TASKS.values():
        assert task.rules(made, made) == task.rules(black, black)
    assert Depth().rules(made, made).keys() == {"the mean of every pixel, by rule"}


@pytest.mark.parametrize("task", [Segmentation(), Depth(), Keypoints()], ids=lambda task: type(task).__name__)
def test_labels_of_the_pictures_themselves_teach_more_than_those_of_others(task: AbstractTask, made: Scenes) -> None:
    few, chief = some(made, torch.arange(3)), task.columns[-1].name
    mixed_up = Scenes(**{**vars(few), "pixels": few.pixels.roll(1, dims=0)})
    right, wrong = (task.scores(fresh(0), False, seen, few, FEW, 0)[chief] for seen in (few, mixed_up))
    assert right > wrong


def test_an_encoder_is_not_changed_by_what_is_learned_from_it(made: Scenes) -> None:
    encoder = fresh(0)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    for task in (Depth(), Instances()):
        task.scores(encoder, True, some(made, torch.arange(4)), some(made, torch.arange(2)), FEW, 0)
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


@pytest.mark.parametrize("frozen", [True, False])
def test_a_detector_trains_its_encoder_where_it_is_not_frozen(made: Scenes, frozen: bool) -> None:
    model = detector(fresh(0), frozen, made).train()
    torch.stack(list(model([made.pixels[0]], [targets_of(made, 0)]).values())).sum().backward()
    gradients = [one.grad for one in model.backbone.maps.encoder.parameters()]
    assert all(one is None for one in gradients) == frozen
    assert frozen or any(bool(one.abs().sum() > 0) for one in gradients if one is not None)
    assert model.roi_heads.mask_predictor.mask_fcn_logits.weight.grad.abs().sum() > 0


def test_shares_are_nested_and_four_are_the_fewest() -> None:
    assert set(shown(600, 0.1, 1).tolist()) < set(shown(600, 1.0, 1).tolist())
    assert len(shown(600, 0.01, 1)) == 6
    assert len(shown(20, 0.01, 1)) == 4
    assert shown(600, 0.1, 0).tolist() != shown(600, 0.1, 1).tolist()


def test_the_command_fills_every_cell_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(steps=2, batch=4, warmup=1, workers=0, threads=torch.get_num_threads(), accelerator="cpu")
    small = recipe.Options(tmp_path, scenes=6, test_scenes=2, shares=(1.0,), seeds=1, learning=FEW, training=training)
    assert recipe.SceneTasks(small).run() == 0
    for name, task in recipe.TASKS.items():
        table = Table.from_json((tmp_path / name / "table.json").read_text())
        rows = [row.method for row in table.rows]
        assert rows[:5] == [
            "plain features",
            "random network, frozen",
            "from scratch",
            "pre-trained, frozen",
            "pre-trained, tuned",
        ]
        assert all(len(row.values) == len(task.columns) for row in table.rows)
    text = (tmp_path / "depth" / "table.md").read_text()

    def again(*_: object) -> Mapping[str, float]:
        pytest.fail("a cell that is there is not measured again")

    for kind in (Segmentation, Instances, Depth, Keypoints):
        monkeypatch.setattr(kind, "scores", again)
    assert recipe.SceneTasks(small).run() == 0
    assert (tmp_path / "depth" / "table.md").read_text() == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"shares": ()}, r"shares \(--shares\) must be one at least"),
        ({"tasks": ()}, r"tasks \(--tasks\) must be one at least"),
        ({"scenes": 3}, r"scenes \(--scenes\) must be 4 at least, got 3"),
        ({"shares": (1.5,)}, "shares"),
    ],
    ids=str,
)
def test_options_without_sense_are_refused_by_name(changes: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        recipe.Options(**changes)  # type: ignore[arg-type]
