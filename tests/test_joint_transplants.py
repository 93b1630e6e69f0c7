"""Objects of one joint item set into another: in all parts at the same seconds, with the masks of what comes of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.conformance.bench import Bench, near
from gestalt.core.conformance.transplanting import composes, shows
from gestalt.core.data.correspondence import Affine
from gestalt.core.data.grid import Grid
from gestalt.core.data.in_parts import InParts
from gestalt.core.data.masks import ItemMasks
from gestalt.core.data.places import parts_in
from gestalt.core.data.transplants import DONOR, HOST, Transplants, composed, part_of
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.joint import JointItem, JointModality, joint
from gestalt.core.modality.joint.transplants import takes_all_parts
from gestalt.core.modality.optional import TransplantsObjects
from gestalt.core.modality.transplant import Transplant, TransplantsInTime
from gestalt.modalities.audio import Audio
from gestalt.modalities.audio.data import Recording
from gestalt.modalities.sensors import MODALITY as SENSORS
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.modalities.text.data import Passage
from gestalt.modalities.video import Video
from gestalt.modalities.video.data import Clip
from tests.toy import toy
from tests.toy_transplants import set_points_in, set_series_in

RATE = 16_000
CLIPS = joint(audio=Audio(RATE, 2.0), video=Video(2.0, 8.0, 32), text=TEXT)


def clip(seed: int, begin: float, seconds: float = 2.0, tone: float = 0.3) -> tuple[JointItem, ItemMasks]:
    """Faint noise and a grey picture; from `begin` on for 0.5 s a tone is heard and a bright square seen. A caption."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    inside = (time >= begin) & (time < begin + 0.5)
    samples = 0.001 * rng.standard_normal(len(time)) + inside * tone * np.sin(2 * np.pi * 440 * time)
    count = round(seconds * 8)
    frames = torch.full((count, 3, 32, 32), 60 + 10 * seed, dtype=torch.uint8)
    seen = torch.zeros(count, 32, 32, dtype=torch.bool)
    seen[round(begin * 8) : round(begin * 8) + 4, 10:18, 12:20] = True
    frames = torch.where(seen[:, None], 250, frames).to(torch.uint8)
    edges = torch.arange(count + 1) / 8
    item = {
        "audio": Recording(torch.from_numpy(samples.astype(np.float32)), RATE),
        "video": Clip(frames, edges),
        "text": Passage.of("a bell rings"),
    }
    bounds = torch.tensor([[0.0, begin, begin + 0.5, seconds]])
    pixels = torch.arange(33, dtype=torch.float32)[None]
    masks = {
        "audio": ItemMasks(torch.tensor([-1, 0, -1]), Grid((bounds,)), ("bell",)),
        "video": ItemMasks(torch.where(seen, 0, -1).flatten(), Grid((edges[None], pixels, pixels)), ("bell",)),
        "text": ItemMasks(torch.tensor([-1, 0, -1]), None, ("word",)),
    }
    return JointItem(item), ItemMasks.of_parts(masks)


def set_in(host: JointItem, donor: JointItem, part: ItemMasks, seed: int) -> Transplant[Any] | None:
    assert isinstance(CLIPS, TransplantsObjects)
    found: Transplant[Any] | None = CLIPS.transplant(host, donor, part, np.random.default_rng(seed))
    return found


def first_of_donor(made: Transplant[Any], name: str) -> tuple[float, float]:
    """From when to when a part shows the donor, in seconds."""
    owner = made.owner.part(name)
    assert owner.grid is not None
    shown = owner.labels.view(owner.grid.shape) == DONOR
    shown = shown.flatten(1).any(dim=1) if shown.dim() > 1 else shown
    edges, where = owner.grid.edges[0][0], shown.nonzero()[:, 0]
    return float(edges[where[0]]), float(edges[where[-1] + 1])


@pytest.mark.parametrize("seed", range(4))
def test_what_is_heard_and_seen_of_an_object_stays_at_the_same_seconds(seed: int) -> None:
    """Of a donor as long as the host, at its own; of a longer one, a little earlier by the same in both parts."""
    host, _ = clip(1, 0.25, tone=0.0)  # in a mixture with another tone nobody is heard clearly
    for seconds in (2.0, 3.0):
        donor, masks = clip(2, 1.0, seconds)
        made = set_in(host, donor, part_of(masks, 0), seed)
        assert made is not None
        heard, seen = first_of_donor(made, "audio"), first_of_donor(made, "video")
        assert seen[0] == pytest.approx(heard[0], abs=0.13)  # frames last an eighth of a second
        assert seen[1] == pytest.approx(heard[1], abs=0.13)
        assert 1.0 - (seconds - 2.0) - 0.05 <= heard[0] <= 1.05
        assert isinstance(made.donor, InParts)
        assert made.donor.has.tolist() == [[True, True, False]]
        rules = [made.donor.part(name) for name in ("audio", "video")]
        moved = [float(rule.offset[0, 0]) for rule in rules if rule is not None]  # type: ignore[attr-defined]
        assert moved[0] == pytest.approx(moved[1], abs=1 / RATE)
        again = set_in(host, donor, part_of(masks, 0), seed)
        assert again is not None
        assert torch.equal(again.item.parts["audio"].samples, made.item.parts["audio"].samples)


def test_parts_without_the_object_stay_those_of_the_host() -> None:
    (host, _), (donor, masks) = clip(1, 0.25), clip(2, 1.0)
    word = set_in(host, donor, part_of(masks, 1), 0)
    assert word is not None
    assert word.item.parts["audio"] is host.parts["audio"]
    assert word.item.parts["video"] is host.parts["video"]
    assert bool((word.owner.part("text").labels == DONOR).any())
    assert word.owner.part("audio").labels.tolist() == [HOST]
    bell = set_in(host, donor, part_of(masks, 0), 0)
    assert bell is not None
    assert bell.item.parts["text"] == host.parts["text"]
    assert bell.owner.part("text").labels.tolist() == [HOST] * 3


@pytest.mark.parametrize("seed", range(3))
def test_the_elements_of_a_composed_item_are_those_of_host_and_donor_that_are_said(seed: int) -> None:
    """Law 3, with the ids of both items: what is not the donor's is the same as in the host, part by part."""
    (host, _), (donor, masks) = clip(1, 0.25), clip(2, 1.0)
    made = set_in(host, donor, part_of(masks, 0), seed)
    assert made is not None
    raw = CLIPS.encoders["raw"]()
    new, old = (raw(CLIPS.collate([item])) for item in (made.item, host))
    owner = made.owner.under(new.places, new.values.shape[1])
    of_host = made.host.source_elements(new, old.places)[0]
    same = (new.values[0] - old.values[0]).abs().amax(dim=1) < 1e-4
    assert torch.equal(of_host[owner == HOST], torch.arange(len(owner))[owner == HOST])
    assert not bool(same[owner == DONOR].any())
    beside = near(new, owner != HOST, 1)  # windows of the spectrum reach into the next element
    pixels = made.owner.part("video").labels.view(16, 4, 8, 4, 8) == DONOR  # of a cell some pixels may show it
    beside[parts_in(new.places).slices["video"]] |= pixels.any(dim=4).any(dim=2).flatten()
    assert bool((same | beside).all())
    of_donor = made.donor.source_elements(new, raw(CLIPS.collate([donor])).places)[0]
    inside = masks.under(raw(CLIPS.collate([donor])).places, new.values.shape[1])
    shown = of_donor[owner == DONOR]
    assert bool((shown >= 0).all())
    assert float((inside[shown] == 0).float().mean()) > 0.5, "elements that the object covers by half or less round"


def test_masks_of_a_composed_item_have_one_more_object_with_one_number_in_all_parts() -> None:
    (host, of_host), (donor, masks) = clip(1, 0.25), clip(2, 1.0)
    made = set_in(host, donor, part_of(masks, 0), 3)
    assert made is not None
    found = composed(of_host, made.host, made.owner, "bell of another")
    assert found.names == ("bell", "word", "bell of another")
    for name in ("audio", "video"):
        own, before, owner = found.part(name), of_host.part(name), made.owner.part(name)
        assert 2 in own.objects()
        assert own.grid is not None
        expected = torch.where(
            owner.under(own.grid, len(own.labels)) == DONOR,
            2,
            torch.where(owner.under(own.grid, len(own.labels)) == HOST, before.under(own.grid, len(own.labels)), -1),
        )
        assert torch.equal(own.labels, expected)
    assert found.part("text").labels.tolist() == [-1, 1, -1]
    bare = ItemMasks.of_parts({"audio": None, "video": None, "text": of_host.part("text")})
    alone = composed(bare, made.host, made.owner, "")
    assert alone.part("audio").objects() == alone.part("video").objects() == [1]


def test_an_object_is_set_in_whole_or_not_at_all() -> None:
    (host, _), (donor, masks) = clip(1, 0.25), clip(2, 1.0)
    assert set_in(host.only(["video", "text"]), donor, part_of(masks, 0), 0) is None, "the host has no sound"
    nothing = ItemMasks.on(torch.full_like(masks.labels, -1), masks.places)
    assert set_in(host, donor, nothing, 0) is None
    longer, of_longer = clip(2, 1.4, 2.0)
    made = [set_in(clip(1, 0.25, 1.0)[0], longer, part_of(of_longer, 0), seed) for seed in range(8)]
    assert any(one is None for one in made), "where the host ends before the object begins"
    for one in filter(None, made):
        assert all(bool((one.owner.part(name).labels == DONOR).any()) for name in ("audio", "video"))


def test_sizes_count_in_every_part_and_joint_modalities_offer_it_where_a_part_does() -> None:
    _, masks = clip(2, 1.0)
    assert Transplants().suitable(masks) == [0], "the word is a third of the caption"
    assert Transplants(largest=0.4).suitable(masks) == [0, 1]
    assert Transplants(largest=0.2).suitable(masks) == [], "the tone lasts a quarter of the time"
    assert Transplants(smallest=0.02).suitable(masks) == [], "the square is a 64th of all pixels"
    plain: AbstractModality[Any] = joint(left=SENSORS, right=SENSORS)
    assert isinstance(plain, JointModality)
    assert isinstance(plain, TransplantsObjects)


def test_a_stretch_of_sensors_is_set_in_where_the_donor_has_it_less_so_many_seconds() -> None:
    host, donor = (SENSORS.specimens()[number].item for number in (0, 1))
    assert isinstance(SENSORS, TransplantsInTime)
    seconds = len(host.values) / host.sample_rate
    part = ItemMasks(torch.tensor([-1, 0, -1]), Grid((torch.tensor([[0.0, 0.2, 0.4, 9.0]]) * seconds,)))
    for later in (0.0, 0.1 * seconds):
        made = SENSORS.transplant_at(host, donor, part, later, np.random.default_rng(0))
        assert made is not None
        assert isinstance(made.donor, Affine)
        assert float(made.donor.offset[0, 0]) == pytest.approx(later, abs=1 / host.sample_rate)
    assert SENSORS.transplant_at(host, donor, part, seconds, np.random.default_rng(0)) is None


def spoilt(change: Callable[[JointItem, Transplant[Any] | None, bool], Transplant[Any] | None]) -> JointModality:
    """A series beside points, whose transplants are spoilt: from host, result, and whether the object spans both."""
    modality = joint(series=toy("series", set_in=set_series_in), points=toy("points", set_in=set_points_in))
    sound: Any = modality.transplant

    def set_in(host: JointItem, donor: JointItem, part: ItemMasks, rng: np.random.Generator) -> Transplant[Any] | None:
        spans = all(bool((part.part(name).labels >= 0).any()) for name in ("series", "points"))
        return change(host, sound(host, donor, part, rng), spans)

    modality.transplant = set_in  # type: ignore[assignment]
    return modality


def test_the_suite_asks_for_objects_that_span_all_parts() -> None:
    assert not list(composes(Bench(spoilt(lambda _, made, __: made))))
    (said,) = composes(Bench(spoilt(lambda _, made, spans: None if spans else made)))
    assert "sets no object that spans all parts" in said

    def points_alone(host: JointItem, made: Transplant[Any] | None, spans: bool) -> Transplant[Any] | None:
        if made is None or not spans:
            return made
        return replace(made, item=JointItem({**made.item.parts, "series": host.parts["series"]}))

    said = next(shows(Bench(spoilt(points_alone))))
    assert "transplant of objects" in said
    assert "of the donor does not appear" in said


def test_objects_span_all_parts_where_every_part_can_be_set_in() -> None:
    assert takes_all_parts(CLIPS.modalities)
    assert not takes_all_parts({"audio": Audio(), "plain": toy("series", set_in=None)})
