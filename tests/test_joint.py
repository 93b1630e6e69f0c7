"""Items of several parts: the laws of modalities over every pair, and what joint items make of methods."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.components.registry import MODALITIES
from gestalt.core.conformance import findings
from gestalt.core.data.correspondence import AbstractCorrespondence, Affine, Index
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.in_parts import InParts
from gestalt.core.data.parts import joined, joined_segments, parts_of, segmentation_of
from gestalt.core.data.places import Parts, one_grid
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.groupers import Along, ChangePoints, InOrder, KMeans, PartByPart
from gestalt.core.losses import info_nce
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.simclr import SimCLR
from gestalt.core.modality.joint import JointItem, joint
from gestalt.core.modality.joint.encoders import Joint, chosen_encoders
from gestalt.core.modality.joint.modality import JointModality
from gestalt.core.modality.joint.transforms import SameStretch
from gestalt.core.modality.plugins import load_modality
from gestalt.core.networks.modes import evaluating
from gestalt.core.optimization.progress import Progress
from gestalt.modalities.audio import MODALITY as AUDIO
from gestalt.modalities.image import MODALITY as IMAGE
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.modalities.video import MODALITY as VIDEO
from tests.implementations import make_batch, seeded

BOTH = joint(image=IMAGE, text=TEXT)
NAMES = ("image", "text")


def items(count: int = 3, modality: JointModality = BOTH) -> list[JointItem]:
    """Whole joint items."""
    return [specimen.item for specimen in modality.specimens()][:count]


@pytest.mark.parametrize("name", ["+".join(pair) for pair in combinations(MODALITIES.names(), 2)])
def test_every_pair_of_modalities_passes_every_law(name: str) -> None:
    for finding in findings(load_modality(name)):
        assert finding.passed, f"{finding.law}: {finding.counterexample}"


def test_three_parts_and_a_part_of_the_same_modality_twice_pass_too() -> None:
    for modality in (joint(image=IMAGE, text=TEXT, audio=AUDIO), joint(left=IMAGE, right=IMAGE)):
        for finding in findings(modality):
            assert finding.passed, f"{finding.law}: {finding.counterexample}"


def rule_of(kind: str, rng: np.random.Generator) -> AbstractCorrespondence:
    """A random correspondence of one item with six elements on the side of the view."""
    if kind == "text":
        return Index.of(rng.integers(-1, 6, size=6).tolist())
    return Affine.of([float(rng.choice([0.5, 1.0, 2.0]))], [float(rng.integers(-3, 4))])


def shown_by(rule: AbstractCorrespondence, element: int) -> int:
    """Which of six source elements an element of the view shows: by hand."""
    if isinstance(rule, Index):
        return int(rule.index[0, element])
    assert isinstance(rule, Affine)
    position = float(rule.matrix[0, 0, 0]) * (element + 0.5) + float(rule.offset[0, 0])
    return int(np.floor(position)) if 0 <= position < 6 else -1


@pytest.mark.parametrize("seed", range(10))
def test_elements_of_every_part_show_what_its_own_rule_says_in_the_numbers_of_the_joint_item(seed: int) -> None:
    rng = np.random.default_rng(seed)
    has = [[bool(rng.integers(2)), bool(rng.integers(2))] for _ in range(3)]
    rules = [{name: rule_of(name, rng) for name, there in zip(NAMES, row, strict=True) if there} for row in has]
    first, *others = (InParts.of(row, NAMES) for row in rules)
    together = first.join(others)
    places = Parts(NAMES, (6, 6), (Grid.uniform((6,), (1.0,)), None))
    valid = torch.tensor([[there for there in row for _ in range(6)] for row in has])
    view = FeatureMap(torch.zeros(3, 12, 1), valid, places)
    found = together.source_elements(view, places)
    for row, parts in enumerate(rules):
        for element in range(12):
            name = NAMES[element // 6]
            expected = -1
            if name in parts:
                own = shown_by(parts[name], element % 6)
                expected = own + 6 * (element // 6) if own >= 0 else -1
            assert int(found[row, element]) == expected, (row, element, parts)
    assert together.known.tolist() == [True] * 3


def test_a_part_of_unknown_correspondence_makes_the_item_unknown_unless_it_is_missing() -> None:
    unknown = InParts.of({"image": Affine.identity(1), "text": Index.none(3)}, NAMES)
    without = InParts.of({"image": Affine.identity(1)}, NAMES)
    assert unknown.join([without]).known.tolist() == [False, True]


def test_parts_come_back_from_a_joint_map_and_a_grouper_of_one_lattice_refuses_it_by_name() -> None:
    grid = Grid.uniform((4,), (0.5,))
    sound = FeatureMap(torch.randn(2, 4, 3), torch.ones(2, 4, dtype=torch.bool), grid)
    words = FeatureMap(torch.randn(2, 3, 3), torch.tensor([[True] * 3, [True, False, False]]))
    both = joined({"audio": sound, "text": words})
    assert torch.equal(parts_of(both)["text"].values, words.values)
    assert parts_of(both)["audio"].grid is grid
    with pytest.raises(ValueError, match="of the parts audio, text"):
        both.grid  # noqa: B018
    with pytest.raises(ValueError, match="of the parts audio, text"):
        Along(ChangePoints(penalty=0.1))(both, seeded())
    found = KMeans(2, spherical=False)(both, seeded())
    assert isinstance(found.places, Parts)
    halves = {name: segmentation_of(found, name) for name in ("audio", "text")}
    assert torch.equal(joined_segments(halves).weights, found.weights)
    assert one_grid(halves["audio"].places) is grid


def test_part_by_part_gives_every_part_objects_of_its_own_as_the_grouper_finds_them() -> None:
    grid = Grid.uniform((6,), (0.5,))
    sound = FeatureMap(
        torch.tensor([[[0.0], [0.0], [0.0], [9.0], [9.0], [9.0]]]), torch.ones(1, 6, dtype=torch.bool), grid
    )
    words = FeatureMap(torch.tensor([[[0.0], [5.0], [5.0]]]), torch.tensor([[True, True, False]]))
    grouper = InOrder(ChangePoints(penalty=0.01, objects=3, standardise=False))
    found = PartByPart(grouper)(joined({"audio": sound, "text": words}), seeded()).labels()[0].tolist()
    assert found == [0, 0, 0, 1, 1, 1, 3, 4, -1]
    nothing = FeatureMap(torch.zeros(1, 0, 1), torch.zeros(1, 0, dtype=torch.bool))
    alone = PartByPart(grouper)(joined({"audio": sound, "text": nothing}), seeded()).labels()[0].tolist()
    assert alone == [0, 0, 0, 1, 1, 1]


def marked(values: Sequence[int]) -> Tensor:
    return torch.tensor([list(values)])


def test_an_object_may_span_parts_and_is_pooled_over_both() -> None:
    sound = FeatureMap(torch.tensor([[[1.0], [3.0]]]), torch.ones(1, 2, dtype=torch.bool))
    words = FeatureMap(torch.tensor([[[5.0], [100.0]]]), torch.ones(1, 2, dtype=torch.bool))
    segments = {name: Segmentation.from_labels(marked(row), 2) for name, row in (("a", (0, 0)), ("b", (0, 1)))}
    objects = joined_segments(segments).pool(joined({"a": sound, "b": words}))
    assert objects.vectors.flatten().tolist() == [3.0, 100.0]


@pytest.mark.parametrize("layers", [0, 2])
def test_a_missing_part_changes_nothing_for_other_items_and_has_no_elements(layers: int) -> None:
    whole = items(2)
    without = whole[1].only(["text"])
    torch.manual_seed(0)
    encoder = BOTH.encoders["joint"](dim=16, layers=layers)
    with evaluating(encoder):
        together = encoder(BOTH.collate([whole[0], without]))
        alone, reduced = encoder(BOTH.collate([whole[0]])), encoder(BOTH.collate([without]))
    assert isinstance(together.places, Parts)
    image = together.places.slices["image"]
    assert not bool(together.valid[1, image].any())
    torch.testing.assert_close(
        together.values[0][together.valid[0]], alone.values[0][alone.valid[0]], atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        together.values[1][together.valid[1]], reduced.values[0][reduced.valid[0]], atol=1e-5, rtol=0
    )


def test_without_layers_a_part_knows_of_itself_alone_and_with_layers_of_the_other() -> None:
    item, other = items(2)
    changed = JointItem({"image": item.parts["image"], "text": other.parts["text"]})
    for layers, same in ((0, True), (1, False)):
        torch.manual_seed(0)
        encoder = BOTH.encoders["joint"](dim=16, layers=layers)
        with evaluating(encoder):
            one, two = (encoder(BOTH.collate([each])).part("image").values for each in (item, changed))
        assert torch.allclose(one, two, atol=1e-6) == same


def test_an_item_of_one_part_is_that_parts_item() -> None:
    """Law 12: features, objects and pooled vectors are those of the part alone."""
    torch.manual_seed(0)
    encoder = BOTH.encoders["joint"](dim=16)
    assert isinstance(encoder, Joint)
    texts = [item.parts["text"] for item in items(3)]
    with evaluating(encoder):
        found = encoder(BOTH.collate([JointItem({"text": text}) for text in texts]))
        plain = encoder.parts["text"](TEXT.collate(texts))
        projected = encoder.projections["text"](plain.values) + encoder.kinds["text"]
    torch.testing.assert_close(found.values[found.valid], projected[plain.valid])
    alone = KMeans(3)(plain.with_values(projected * plain.valid[..., None]), seeded())
    assert torch.equal(KMeans(3)(found, seeded()).labels(), alone.labels())


def clip_loss(modality: JointModality, learner: Any, batch_items: list[Any]) -> tuple[Any, Any]:
    """The step of SimCLR on views that keep one part each, and its batch."""
    batch = make_batch("", batch_items, modality=modality)
    return learner.eval()(batch, seeded(0), Progress(0, 4, 2)), batch


def test_simclr_on_views_of_one_part_each_is_clip() -> None:
    """Law 12: InfoNCE between the vectors of texts and of pictures, both directions; nothing else enters."""
    modality = joint(image=IMAGE, text=TEXT)
    modality.views = modality.views_of_parts(["text"], ["image"])
    torch.manual_seed(0)
    learner = SimCLR(heads=Heads(8, 5)).build(modality.encoders["joint"](dim=16), DataInfo())
    output, batch = clip_loss(modality, learner, items(3))
    vectors = []
    for view in batch.views:
        features = learner.online.encode(view.data)
        means = (features.values * features.valid[..., None]).sum(dim=1) / features.valid.sum(dim=1, keepdim=True)
        vectors.append(torch.nn.functional.normalize(learner.online.projector(means), dim=-1))
    text, image = vectors
    assert not bool(learner.online.encode(batch.views[0].data).part("text").valid.logical_not().all())
    scores = text @ image.T / 0.1
    same_text, same_image = text @ text.T / 0.1, image @ image.T / 0.1
    loss = torch.zeros(())
    for i in range(3):
        for across, within in ((scores, same_text), (scores.T, same_image)):
            rivals = [across[i, j] for j in range(3)] + [within[i, j] for j in range(3) if j != i]
            loss = loss + torch.logsumexp(torch.stack(rivals), 0) - across[i, i]
    torch.testing.assert_close(output.loss, loss / 3, rtol=1e-4, atol=1e-5)


def test_clip_with_two_equal_parts_is_simclr() -> None:
    """Law 12: pictures on both sides, seen by one encoder with the same random numbers."""
    modality = joint(left=IMAGE, right=IMAGE)
    pictures = [specimen.item for specimen in IMAGE.specimens()][:3]
    torch.manual_seed(0)
    twice = SimCLR(heads=Heads(8, 5)).build(modality.encoders["joint"](dim=16), DataInfo())
    encoder = twice.online.encoder
    assert isinstance(encoder, Joint)
    for parts in (encoder.parts, encoder.projections):
        parts["right"].load_state_dict(parts["left"].state_dict())
    encoder.kinds["right"].data.copy_(encoder.kinds["left"].data)
    views = [
        [view(picture, np.random.default_rng(7 + place))[0] for picture in pictures]
        for place, view in enumerate(IMAGE.views.views)
    ]
    left, right = (
        [JointItem({name: picture}) for picture in seen] for name, seen in zip(("left", "right"), views, strict=True)
    )
    with evaluating(twice):
        vectors = [
            twice.online.projector(pooled(twice.online.encode(modality.collate(part)))) for part in (left, right)
        ]
        single = [twice.online.projector(pooled(encode_left(encoder, IMAGE.collate(seen)))) for seen in views]
    for one, two in zip(vectors, single, strict=True):
        torch.testing.assert_close(one, two)
    torch.testing.assert_close(info_nce(vectors[0], vectors[1]), info_nce(single[0], single[1]))


def encode_left(encoder: Joint, data: Any) -> FeatureMap:
    """Pictures through the left part's encoder, as any encoder of pictures sees them."""
    plain: FeatureMap = encoder.parts["left"](data)
    return plain.with_values(encoder.projections["left"](plain.values) + encoder.kinds["left"])


def pooled(features: FeatureMap) -> Tensor:
    """The mean of every item."""
    return (features.values * features.valid[..., None]).sum(dim=1) / features.valid.sum(dim=1, keepdim=True)


def test_parts_in_time_show_the_same_seconds_and_others_are_kept_whole() -> None:
    modality = joint(audio=AUDIO, video=VIDEO, text=TEXT)
    item = items(1, modality)[0]
    stretch = SameStretch(modality.modalities, modality.identity, 0.5, 0.6)
    length = min(AUDIO.duration(item.parts["audio"]), VIDEO.duration(item.parts["video"]))
    for seed in range(5):
        view, rule = stretch(item, np.random.default_rng(seed))
        sound, clip = view.parts["audio"], view.parts["video"]
        assert 0.45 * length <= sound.seconds <= 0.65 * length
        assert abs(sound.seconds - clip.seconds) < 1e-3
        heard, seen = rule.part("audio"), rule.part("video")
        assert isinstance(heard, Affine)
        assert isinstance(seen, Affine)
        assert abs(float(heard.offset[0, 0]) - float(seen.offset[0, 0])) < 1e-3
        assert view.parts["text"] == item.parts["text"]


def test_what_is_done_to_one_part_does_not_depend_on_the_others() -> None:
    item = items(1)[0]
    each = BOTH.transforms["each_part"]
    together, _ = each(item, np.random.default_rng(3))
    alone, _ = each(item.only(["text"]), np.random.default_rng(3))
    assert alone.parts["text"] == together.parts["text"]


def test_encoders_of_parts_are_named_and_wrong_names_are_refused() -> None:
    builders = {name: one.encoders for name, one in BOTH.modalities.items()}
    assert chosen_encoders("text=dilated", builders)["text"] == "dilated"
    for said, message in (
        ("txt=conv", "part 'txt'"),
        ("text=konv", "encoder of text 'konv'"),
        ("conv", "part=encoder"),
    ):
        with pytest.raises(ValueError, match=message):
            chosen_encoders(said, builders)
    with pytest.raises(ValueError, match="two or more parts"):
        joint(image=IMAGE)


def test_computed_targets_are_those_of_the_parts_and_unknown_where_one_is_missing() -> None:
    modality = joint(audio=AUDIO, text=TEXT)
    item = items(1, modality)[0]
    whole, less = modality.computed(item), modality.computed(item.only(["text"]))
    assert whole.keys() == less.keys()
    assert all(np.isnan(less[name]) == name.startswith("audio ") for name in less)
    assert {name.split()[0] for name in whole} <= {"audio", "text"}


def test_a_part_that_is_itself_made_of_parts_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"side by side: put them all into one, joint\(audio=…, image=…, text=…\)"):
        joint(page=BOTH, audio=AUDIO)
