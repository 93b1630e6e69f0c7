"""Masks of joint items: those of the parts as one, in the formats of their modalities, on every view."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gestalt.cli.commands import execute
from gestalt.core.data.cut import cut
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.grid import Grid
from gestalt.core.data.in_parts import InParts
from gestalt.core.data.mask_batches import JoinedMasks, carried, coarsened
from gestalt.core.data.masks import ItemMasks
from gestalt.core.data.places import Parts, parts_in
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.modality.joint import JointModality, joint
from gestalt.core.modality.joint.items import JointItems
from gestalt.core.modality.plugins import load_modality
from gestalt.core.training.kept_segments import KeptSegments
from gestalt.core.training.round_signs import RoundSigns
from gestalt.modalities.audio import MODALITY as AUDIO
from gestalt.modalities.image import MODALITY as IMAGE
from gestalt.modalities.text import MODALITY as TEXT

MODALITY = joint(image=IMAGE, text=TEXT, audio=AUDIO)


def masks_of(modality: Any, item: Any, seed: int) -> ItemMasks:
    """Objects at random on the elements of the plain features."""
    features = modality.encoders["raw"]()(modality.collate([item]))
    labels = torch.randint(-1, 3, (features.valid.shape[1],), generator=torch.Generator().manual_seed(seed))
    return ItemMasks(labels, features.grid, ("a", "b", "c"))


def raw(modality: Any, item: Any) -> FeatureMap:
    found: FeatureMap = modality.encoders["raw"]()(modality.collate([item]))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_what_a_view_shows_of_joint_masks_is_what_the_views_of_the_parts_show_of_theirs(seed: int) -> None:
    """Part by part, with the item's own numbers; a part without masks has no object."""
    item = MODALITY.specimens()[seed].item
    own = {name: masks_of(MODALITY.modalities[name], item.parts[name], seed) for name in ("image", "audio")}
    together = ItemMasks.of_parts({"image": own["image"], "text": None, "audio": own["audio"]})
    assert together.names == ("a", "b", "c")
    source, origin = MODALITY.views.source(item, np.random.default_rng(seed))
    moved = carried(coarsened(together), origin)
    assert moved is not None
    view, rule = MODALITY.views.views[0](source, np.random.default_rng(seed))
    features = raw(MODALITY, view)
    joined = JoinedMasks.of([moved, None])
    both = rule.join([rule])
    doubled = features.rows(torch.tensor([0, 0]))
    seen = joined.segmentation().seen_from(both, doubled)
    places = parts_in(features.places)
    assert isinstance(rule, InParts)
    assert isinstance(origin, InParts)
    for name, mask in own.items():
        part_origin, part_rule = origin.part(name), rule.part(name)
        assert part_rule is not None
        assert part_origin is not None
        here = places.here(name)
        assert part_origin is not None
        assert part_rule is not None
        single = carried(coarsened(mask), part_origin)
        assert single is not None
        alone = JoinedMasks.of([single]).segmentation().seen_from(part_rule, features.part(name)).labels()[0]
        kept = mask.labels.unique()
        numbers = {place: int(number) for place, number in enumerate(single.labels[single.labels >= 0].unique())}
        renumbered = {int(n): i for i, n in enumerate(moved.labels[moved.labels >= 0].unique())}
        expected = [renumbered[numbers[label]] if label >= 0 else -1 for label in alone.tolist()]
        assert seen.labels()[0, here].tolist() == expected, (name, kept)
    assert set(seen.labels()[0, places.here("text")].tolist()) <= {-1}
    assert set(seen.labels()[1][features.valid[0]].tolist()) == {0}


def test_masks_under_the_elements_of_a_joint_item_are_those_of_its_parts() -> None:
    grid = Grid.uniform((4,), (1.0,))
    both = ItemMasks.of_parts({"sound": ItemMasks(torch.tensor([0, 0, 1, 1]), grid), "words": None})
    places = Parts(("sound", "words"), (2, 3), (Grid.uniform((2,), (2.0,)), None))
    assert both.under(places, 5).tolist() == [0, 1, -1, -1, -1]
    lacking = Parts(("sound", "words"), (0, 3), (None, None))
    assert both.under(lacking, 3).tolist() == [-1, -1, -1]
    with pytest.raises(ValueError, match="elements of several parts are needed"):
        both.under(grid, 4)


def test_objects_of_one_name_are_one_unless_a_part_has_two_of_it() -> None:
    seen = ItemMasks(torch.tensor([0, 1, 2]), None, ("dog", "dog", "cat"))
    told = ItemMasks(torch.tensor([0, 1, 2]), None, ("cat", "dog", ""))
    both = ItemMasks.of_parts({"image": seen, "text": told})
    assert both.labels.tolist() == [0, 1, 2, 2, 3, 4]
    assert both.names == ("dog", "dog", "cat", "dog", "")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six captioned pictures; half of each picture and a word of its caption are masked."""
    folder = tmp_path / "data"
    for name in ("data", "masks/image"):
        (tmp_path / name).mkdir(parents=True)
    lines = []
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"p{number}.png")
        text = f"picture number {number}"
        (folder / f"p{number}.txt").write_text(text + "\n", encoding="utf-8")
        index = np.zeros((32, 32), np.uint8)
        index[:, 16:] = 1
        Image.fromarray(index).save(tmp_path / "masks" / "image" / f"p{number}.png")
        span = {"begin": 0, "end": 7, "object": 0, "text": "picture"}
        lines.append(json.dumps({"file": f"p{number}.txt", "line": 1, "begin": 0, "text": text, "spans": [span]}))
    (tmp_path / "masks" / "text.jsonl").write_text("\n".join(lines[:5]) + "\n", encoding="utf-8")
    return folder


def test_masks_of_parts_are_named_or_lie_in_a_folder_under_the_names_of_the_parts(data: Path) -> None:
    modality = load_modality("image+text")
    assert isinstance(modality, JointModality)
    reading, masks = modality.read([data]), data.parent / "masks"
    given = f"image={masks}/image,text={masks}/text.jsonl"
    for said, has_text in ((masks, True), (Path(given), True), (Path(f"image={masks / 'image'}"), False)):
        found = modality.read_masks(said, reading.items, ())
        item = reading.items.read(2, np.random.default_rng(0))
        own = found.of_item(2, item)
        assert own is not None
        assert own.part("image").labels.view(32, 32)[5, [3, 20]].tolist() == [-1, 0]
        assert own.part("text").labels.tolist() == ([1, -1, -1] if has_text else [])
        assert [name for name, _ in modality.shown_masks(item, own)] == ["image", "text"][: 1 + has_text]
        last = found.of_item(5, reading.items.read(5, np.random.default_rng(0)))
        assert last is not None
        assert last.objects() == [0]


def test_wrong_masks_are_refused_with_what_is_wrong(data: Path) -> None:
    modality = load_modality("image+text")
    assert isinstance(modality, JointModality)
    items, masks = modality.read([data]).items, data.parent / "masks"
    for said, message in (
        (masks / "text.jsonl", r"does not say which part its masks are of: give part=path"),
        (Path(f"txt={masks}/text.jsonl"), "part 'txt'"),
        (Path("image=,text=x"), "named as part=path"),
    ):
        with pytest.raises(ValueError, match=message):
            modality.read_masks(said, items, ())


def test_of_several_captions_the_masks_are_those_of_the_one_that_was_read(data: Path) -> None:
    """The word that is masked is the first of one caption, and the last of the other; the third has no mask."""
    lines = ["dog runs home", "here is dog", "nothing"]
    (data / "p1.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    dogs = (0, len(lines[0]) + 1 + 8)  # characters count from the begin of the file
    spans = [
        {"file": "p1.txt", "line": line, "spans": [{"begin": at, "end": at + 3, "object": 0}]}
        for line, at in enumerate(dogs, start=1)
    ]
    told = data.parent / "told.jsonl"
    told.write_text("\n".join(map(json.dumps, spans)) + "\n", encoding="utf-8")
    modality = load_modality("image+text")
    assert isinstance(modality, JointModality)
    items = modality.read([data]).items
    assert isinstance(items, JointItems)
    masks = modality.read_masks(Path(f"text={told}"), items, ())
    assert [masks.has(index) for index in range(6)] == [False, True, False, False, False, False]
    expected, seen = {"dog": [0, -1, -1], "here": [-1, -1, 0], "nothing": None}, set()
    for seed in range(12):
        item = items.with_jitter(True).read(1, np.random.default_rng(seed))
        first = item.parts["text"].words[0]
        found = masks.of_item(1, item)
        assert (None if found is None else found.part("text").labels.tolist()) == expected[first]
        assert item.only(["text"]).chosen == item.chosen
        seen.add(first)
    assert seen == {*expected}
    still = masks.of_item(1, items.read(1, np.random.default_rng(5)))
    assert still is not None
    assert still.part("text").labels.tolist() == [0, -1, -1]
    assert items.read(2, np.random.default_rng(0)).chosen == {}


def test_a_run_compares_masks_of_joint_items_and_measures_against_them(data: Path, tmp_path: Path) -> None:
    masks = data.parent / "masks"
    few = ["--steps", "2", "--batch", "3", "--workers", "0", "--accelerator", "cpu", "--log-every", "1"]
    words = ["run", "objects", "--modality", "image+text", "--data", str(data), "--out", str(tmp_path / "run")]
    chosen = ["--method", "detcon", "--masks", f"image={masks}/image,text={masks}/text.jsonl", *few]
    assert execute([*words, *chosen]) == 0
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "fg-ARI" in report
    assert "masks" in report


def test_segments_of_joint_items_are_kept_and_come_back_part_by_part(tmp_path: Path) -> None:
    items = [specimen.item for specimen in MODALITY.specimens()][:2]
    whole = raw(MODALITY, items[0])
    both = MODALITY.encoders["raw"]()(MODALITY.collate([items[0], items[1].only(["text", "audio"])]))
    labels = torch.randint(-1, 3, both.valid.shape, generator=torch.Generator().manual_seed(0))
    labels = torch.where(both.valid, labels, -1)
    found = cut(Segmentation.from_labels(labels, 3, both.places), both)
    kept = KeptSegments(tmp_path / "round-1", 5)
    assert all(one is not None for one in found)
    kept.write(0, {3: found[0], 4: found[1]})  # type: ignore[dict-item]
    for number, one in ((3, found[0]), (4, found[1])):
        again = kept.of_item(number, None)
        assert again is not None
        assert one is not None
        assert again.labels.tolist() == one.labels.tolist()
        assert again.parts is not None
        assert one.parts is not None
        assert (again.parts.names, again.parts.cells) == (one.parts.names, one.parts.cells)
    assert found[1] is not None
    assert parts_in(found[1].places).cells[0] == 0
    first = kept.of_item(3, None)
    assert first is not None
    under = first.under(whole.places, whole.valid.shape[1])
    assert under[whole.valid[0]].tolist() == labels[0][both.valid[0]].tolist()
    one, two = found
    assert RoundSigns.of(1, 0, [one, two], [one, two]).agreement == pytest.approx(1.0)
    assert RoundSigns.of(1, 0, [one], [one]).merged == 0.0


def test_a_run_in_rounds_learns_from_joint_items(data: Path, tmp_path: Path) -> None:
    few = ["--steps", "4", "--batch", "3", "--workers", "0", "--accelerator", "cpu", "--log-every", "1"]
    words = ["run", "objects", "--modality", "image+text", "--data", str(data), "--out", str(tmp_path / "run")]
    assert execute([*words, "--method", "odin-rounds", "--method.rounds.every", "2", *few]) == 0
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Learned from:" in page
    assert len(list((tmp_path / "run" / "segments").glob("round-*"))) == 2
