"""Bodies, things of points, sentences and passages of downstream tasks: what is asked about is true of them."""

import gzip
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from gestalt.core.evaluation import Table, item_vectors
from gestalt.modalities.graph import Graph, collate
from gestalt.modalities.points import MODALITY as POINTS
from gestalt.modalities.points import Cloud
from gestalt.modalities.points.views import Rotation
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.recipes.item_tasks import recipe
from gestalt.recipes.item_tasks.cells import scores
from gestalt.recipes.item_tasks.rows import ROWS
from gestalt.recipes.item_tasks.tasks import bodies, point_shapes, said, skeletons, solids
from gestalt.recipes.item_tasks.tasks.by_name import Name, load
from gestalt.recipes.item_tasks.tasks.word_counts import WordCounts
from gestalt.recipes.text_spans.corpus.sentences import PATH

LENGTHS = dict.fromkeys(skeletons.BONES, 1.0)


def where(gesture: skeletons.Gesture, seed: int) -> dict[str, np.ndarray]:
    """The places of every joint, frame by frame, of a body of usual proportions that does not sway."""
    found = skeletons.places(skeletons.turns(gesture, np.random.default_rng(seed)), LENGTHS)
    return {joint: found[:, row] for row, joint in enumerate(skeletons.JOINTS)}


@pytest.mark.parametrize("gesture", skeletons.GESTURES)
def test_bones_keep_their_length_and_opposite_gestures_have_the_same_frames_backwards(
    gesture: skeletons.Gesture,
) -> None:
    opposite = skeletons.OPPOSITE.get(gesture)
    for seed in range(5):
        found = where(gesture, seed)
        for joint, (parent, rest) in skeletons.BONES.items():
            length = np.linalg.norm(found[joint] - found[parent], axis=1)
            assert np.allclose(length, np.linalg.norm(rest)), joint
        if opposite is not None:
            other = where(opposite, seed)
            assert all(np.allclose(found[joint], other[joint][::-1]) for joint in found)


@pytest.mark.parametrize("seed", range(8))
def test_joints_move_as_their_gesture_says(seed: int) -> None:
    """The oracle is the meaning of the words; x is to the right, y forwards, z upwards, from the pelvis."""
    body = {gesture: where(gesture, seed) for gesture in skeletons.GESTURES}

    def both(gesture: skeletons.Gesture, joint: str) -> list[np.ndarray]:
        return [body[gesture][f"{side} {joint}"] for side in skeletons.SIDES]

    assert all(hand[-1, 2] > hand[0, 2] + 0.1 for hand in both("raises arms", "hand"))
    assert all(hand[-1, 2] < hand[0, 2] - 0.1 for hand in both("lowers arms", "hand"))
    assert all(foot[-1, 2] > foot[0, 2] + 0.1 for foot in both("sits down", "foot")), "the pelvis comes nearer"
    assert all(foot[-1, 2] < foot[0, 2] - 0.1 for foot in both("stands up", "foot"))
    assert sum(hand[:, 2].min() > body["waves"]["chest"][0, 2] for hand in both("waves", "hand")) == 1, "one hand"
    apart = np.subtract(*both("claps", "hand"))[:, 0]
    assert np.ptp(apart) > 0.1
    assert all(hand[:, 1].min() > 0.2 for hand in both("claps", "hand"))
    left, right = (foot[:, 1] for foot in both("walks", "knee"))
    assert np.ptp(left) > 0.1
    assert np.corrcoef(left, right)[0, 1] < -0.9
    assert sum(foot[:, 1].max() > 0.3 for foot in both("kicks", "foot")) == 1, "one foot"
    assert body["bows"]["head"][:, 1].max() > 0.2
    assert sum(hand[:, 1].max() > 0.25 for hand in both("reaches", "hand")) == 1, "one hand"


def test_a_body_is_a_graph_of_the_joints_that_are_seen_and_the_bones_between_them() -> None:
    some, named = bodies.bodies(40, 0)
    assert named.tolist() == [number % len(skeletons.GESTURES) for number in range(40)]
    assert len({len(one) for one in some}) > 1, "some joints are not seen"
    for one in some:
        joints = [skeletons.JOINTS[category - 1] for category in one.nodes[:, 0].tolist()]
        assert joints[0] == "pelvis"
        bones = {(joints[first], joints[last]) for first, last in one.edges.T.tolist()}
        given = {(joint, parent) for joint, (parent, _) in skeletons.BONES.items()}
        expected = {pair for pair in given if set(pair) <= set(joints)}
        assert bones == expected | {pair[::-1] for pair in expected}


def test_a_turned_body_keeps_heights_and_distances_and_twice_mirrored_it_is_itself() -> None:
    one = bodies.bodies(1, 0)[0][0]
    rng, plain = np.random.default_rng(0), bodies.Places()

    def columns(item: Graph) -> torch.Tensor:
        return item_vectors(plain, [item], collate).view(len(skeletons.JOINTS), skeletons.FRAMES, 4)

    turned, index = bodies.Turned()(one, rng)
    assert index.index.tolist() == [list(range(len(one)))]
    assert torch.allclose(columns(turned)[..., 2:], columns(one)[..., 2:], atol=1e-6)
    assert not torch.allclose(columns(turned)[..., :2], columns(one)[..., :2], atol=1e-3)
    mirrored = bodies.Mirrored()(one, rng)[0]
    assert [bodies.OTHER_SIDE[category] for category in mirrored.nodes[:, 0]] == one.nodes[:, 0].tolist()
    assert torch.allclose(bodies.Mirrored()(mirrored, rng)[0].numbers, one.numbers)
    sized = bodies.Sized(0.2)(one, rng)[0].numbers / one.numbers
    assert 0.8 <= float(sized.nanmean()) <= 1.2


def test_places_of_joints_are_all_in_their_mean() -> None:
    one = bodies.bodies(1, 3)[0][0]
    found = item_vectors(bodies.Places(), [one], collate)[0].view(len(skeletons.JOINTS), skeletons.FRAMES, 4)
    expected = torch.zeros(len(skeletons.JOINTS), skeletons.FRAMES, 3)
    expected[one.nodes[:, 0] - 1] = one.numbers.view(len(one), skeletons.FRAMES, 3) / len(one)
    assert torch.allclose(found[..., :3], expected, atol=1e-6)
    assert torch.allclose(found[..., 3], expected[..., :2].norm(dim=2), atol=1e-6)


@pytest.mark.parametrize(
    "piece",
    [
        solids.Piece("box", (2.0, 1.0, 0.5), (1.0, 0.0, -1.0)),
        solids.Piece("tube", (1.0, 1.0, 2.0)),
        solids.Piece("tube", (2.0, 2.0, 1.5), (0.0, 3.0, 0.0), top=0.25),
        solids.Piece("ball", (1.5, 1.5, 1.5)),
        solids.Piece("ring", (2.0, 2.0, 0.6), top=0.3),
    ],
    ids=["box", "cylinder", "cone", "ball", "ring"],
)
def test_points_lie_on_the_surface_of_a_piece_and_as_dense_everywhere(piece: solids.Piece) -> None:
    points = solids.on_surface(piece, 40_000, np.random.default_rng(0)) - piece.middle
    half = np.array(piece.size) / 2
    unit, out = points / half, np.linalg.norm(points[:, :2], axis=1)
    match piece.form:
        case "box":
            assert np.allclose(np.abs(unit).max(axis=1), 1)
            upper = float((unit[:, 2] == 1).mean())
            assert upper == pytest.approx(piece.size[0] * piece.size[1] / solids.area(piece), abs=0.01)
        case "tube":
            edge = half[0] * (1 + (piece.top - 1) * (unit[:, 2] + 1) / 2)
            side = np.isclose(out, edge) & (np.abs(unit[:, 2]) < 1)
            assert bool((side | ((np.abs(unit[:, 2]) == 1) & (out <= edge + 1e-9))).all())
            slant = np.hypot(piece.size[2], half[0] * (1 - piece.top))
            of_side = np.pi * half[0] * (1 + piece.top) * slant
            assert float(side.mean()) == pytest.approx(of_side / solids.area(piece), abs=0.01)
            low = (unit[side, 2].mean() + 1) / 2  # of a frustum's side, from below, as a share of its height
            assert low == pytest.approx((1 + 2 * piece.top) / (3 * (1 + piece.top)), abs=0.01)
        case "ball":
            assert np.allclose(np.linalg.norm(points, axis=1), half[0])
            assert solids.area(piece) == pytest.approx(4 * np.pi * half[0] ** 2, rel=1e-6)
            assert np.quantile(unit[:, 2], [0.25, 0.75]) == pytest.approx([-0.5, 0.5], abs=0.02)
        case "ring":
            thick = piece.top * half[0]
            assert np.allclose(np.hypot(out - (half[0] - thick), points[:, 2]), thick)
            assert solids.area(piece) == pytest.approx(4 * np.pi**2 * (half[0] - thick) * thick, rel=1e-6)


@pytest.mark.parametrize("name", point_shapes.NAMES)
def test_a_scan_follows_from_its_seed(name: str) -> None:
    one, again, other = (solids.thing(name, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert one.shape == (solids.POINTS, 3)
    assert np.isfinite(one).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_scan_of_a_ball_misses_a_cap_of_as_much_as_it_says(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solids, "NOISE", 0.0)
    monkeypatch.setattr(solids, "STRAYS", 0.0)
    points = solids.scan([solids.Piece("ball", (1.0, 1.0, 1.0))], np.random.default_rng(seed))
    away = -points.mean(axis=0) / np.linalg.norm(points.mean(axis=0))
    missing = (1 - (points @ away).max()) / 2  # the area of a cap of height 1 − h is (1 − h) / 2 of the ball's
    least, most = solids.MISSING
    assert least - 0.05 < missing < most + 0.05


def test_counts_of_heights_do_not_depend_on_how_a_thing_is_turned() -> None:
    item = Cloud.of(solids.thing("chair", np.random.default_rng(0)), np.zeros((solids.POINTS, 0)), ())
    turned = Rotation()(item, np.random.default_rng(1))[0]
    encoder = point_shapes.Heights()
    one, other = (item_vectors(encoder, [each], POINTS.collate)[0, encoder.raw.dim :] for each in (item, turned))
    assert torch.allclose(one, other, atol=2 / solids.POINTS), "but for a point on the edge of a cell"
    assert float(one.sum()) == pytest.approx(1)
    high = (item.places[:, 2] > 1.5).float().mean()  # the topmost of eight cells from −2 to 2, and what is above
    assert float(one[-8:].sum()) == pytest.approx(float(high))


def test_the_kind_of_a_sentence_is_that_of_its_tags_and_its_last_mark_is_not_shown() -> None:
    lines = gzip.decompress(PATH.read_bytes()).decode().splitlines()
    every = said.everything()
    assert len(every) == len(lines)
    for one, line in zip(every[::7], lines[::7], strict=True):
        first = re.search(r"/(VBD|VBZ|VBP|MD)(?= |$)", line)
        tense = {"VBD": "past", "VBZ": "present", "VBP": "present", "MD": "modal"}.get(first[1] if first else "")
        last = line.split()[-1].rsplit("/", 1)[0]
        expected = "question" if last == "?" else tense if last == "." else None
        assert (None if one.kind < 0 else said.KINDS[one.kind]) == expected, line
        shown = [pair.rsplit("/", 1)[0] for pair in line.split()]
        assert list(one.item.words) == (shown[:-1] if last in (".", "?") else shown)


def test_no_sentence_is_learned_from_and_asked_about() -> None:
    texts = {side: {one.item.text for one in said.sentences(side)} for side in get_args(said.Side)}
    assert not texts["train"] & (texts["validation"] | texts["test"])
    numbers = [{one.number for one in said.sentences(side)} for side in get_args(said.Side)]
    assert not any(one & other for one, other in combinations(numbers, 2))
    labelled = said.evenly(said.sentences("train"), 30, 1)
    assert Counter(one.kind for one in labelled) == dict.fromkeys(range(4), 30)
    others = said.further(labelled, 500, 1)
    assert len({one.number for one in (*labelled, *others)}) == 620
    blocks = [{one.block for one in said.excerpts(side)} for side in get_args(said.Side)]
    assert not any(one & other for one, other in combinations(blocks, 2))


def test_passages_that_stood_side_by_side_share_no_sentence_and_others_are_of_other_blocks() -> None:
    some = said.excerpts("validation")[:40]
    which, same = said.pairs(some)
    found = {tuple(pair): own for pair, own in zip(which.tolist(), same.tolist(), strict=True)}
    every = said.everything()
    for one, two in combinations(range(40), 2):
        first, second = (some[row].block * 100 + some[row].place * 6 for row in (one, two))
        if some[one].block == some[two].block:
            assert found.get((one, two)) is (True if abs(first - second) == 6 else None)
        else:
            assert found[one, two] is False
    begin = some[3].block * 100 + 18
    words = [word for one in every[begin : begin + 4] for word in one.item.words]
    assert list(some[3].item.words) == words


def test_a_bag_counts_the_commonest_words_whatever_their_case() -> None:
    texts = [said.everything()[number].item for number in range(60)]
    encoder = WordCounts.of(texts, 20)
    counts = Counter(word.casefold() for one in texts for word in one.words)
    limit = counts.most_common(20)[-1][1]
    common = [word for word, count in counts.items() if count > limit]  # among equals any may be left out
    shares = item_vectors(encoder, texts, TEXT.collate)
    for row, one in enumerate(texts):
        own = Counter(word.casefold() for word in one.words)
        listed = sorted(own[word] / len(one.words) for word in common if own[word])
        found = sorted(share for share in shares[row, : len(common)].tolist() if share > 0)
        assert found == pytest.approx(listed)
    assert torch.allclose(shares.sum(dim=1), torch.ones(60))


def test_every_row_of_a_made_task_is_filled(tmp_path: Path) -> None:
    options = recipe.Options(tmp_path, tasks=("bodies",), shares=(1.0,), seeds=1, part="validation", scale=0.01)
    assert recipe.ItemTasks(options).run() == 0
    table = Table.from_json((tmp_path / "bodies" / "table.json").read_text())
    assert [row.method for row in table.rows] == [row.name for row in ROWS]
    assert all(0 <= values[0] <= 1 for row in table.rows for values in row.values)


@pytest.mark.parametrize("name", ["point-shapes", "texts", "passages"])
def test_encoders_and_plain_features_answer_what_is_asked(name: Name) -> None:
    task = load(name, 0, "validation", 0.01)
    for encoder, learns in ((task.features(), False), (task.untrained(0), True)):
        found = scores(task, encoder, learns, 1.0, 0)
        assert tuple(found) == task.columns
        assert all(0 <= value <= 1 for value in found.values())
