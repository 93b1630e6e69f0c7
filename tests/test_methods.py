"""Every installed method, law 12, and what each method adds to the laws that all learners keep."""

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from gestalt.core.components.registry import METHODS
from gestalt.core.experiment.build import check_labels
from gestalt.core.methods.adversary import Adversary
from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.masked.decoder import DecoderSettings
from gestalt.core.methods.masked.hiding import AtRandom
from gestalt.core.methods.method import AbstractMethod, MethodCard
from gestalt.core.methods.objectives import Contrastive, Npid, Regression, Semantic
from gestalt.core.methods.presets import Preset, preset_named
from gestalt.core.methods.settings import Heads, Inputs, SemanticSettings
from gestalt.core.networks.follower import Follower, MovingAverage
from gestalt.core.training.labels import Labels
from tests.few_label_objectives import OTHER_PRETEXT, PUBLISHED_PRETEXT
from tests.implementations import DATA, ENCODERS, PROGRESS, seeded, small
from tests.kinds_of_learners import built_by
from tests.small_learners import any_built, batch, built, gradients, trained

every_method = pytest.mark.parametrize("name", METHODS.names())


@every_method
def test_every_method_is_a_frozen_dataclass_with_a_card_whose_fields_all_are_explained(name: str) -> None:
    found = METHODS.load(name)
    kind = type(found.method) if isinstance(found, Preset) else found
    assert issubclass(kind, AbstractMethod)
    assert hash(preset_named(name).method)  # frozen
    card = kind.card
    assert isinstance(card, MethodCard)
    assert all(getattr(card, field.name) for field in dataclasses.fields(card) if field.name != "computed")
    assert "Source" in str(kind.__doc__) or name == "supervised"


def test_an_unknown_method_and_missing_labels_are_said_plainly() -> None:
    with pytest.raises(ValueError, match="no method 'sempl'; did you mean 'semppl'"):
        preset_named("sempl")
    values = Labels.of_values([1.0, None])
    with pytest.raises(ValueError, match="SemPPL learns from classes of some items, and there are none"):
        check_labels(small("semppl"), None)
    with pytest.raises(ValueError, match="SemPPL learns from classes of some items, and the labels are values"):
        check_labels(small("semppl"), values)
    with pytest.raises(ValueError, match="a task network learns from labels of some items, and there are none"):
        built("supervised", replace(DATA, target=None))
    check_labels(small("supervised"), values)
    built("supervised", replace(DATA, target=values.target))


@every_method
def test_every_method_trains_under_bfloat16_with_losses_in_float32(name: str) -> None:
    learner = any_built(name)
    plain = learner(batch(), seeded(), PROGRESS).loss
    learner = any_built(name)
    torch.manual_seed(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outcome = learner(batch(), seeded(), PROGRESS)
    assert outcome.loss.dtype == torch.float32
    if not isinstance(learner.online.projector, torch.nn.Identity):  # pooled vectors are in full precision
        assert outcome.details.online[0].vectors.dtype == torch.bfloat16  # the networks did run in half precision
    rough = 0.2 if name in ("clip", "clip-objects") else 0.1  # contrast at τ = 0.07, without the views of the same part
    torch.testing.assert_close(outcome.loss, plain, rtol=rough, atol=0.05)
    outcome.loss.backward()
    assert all(bool(gradient.isfinite().all()) for gradient in gradients(learner).values())


OTHER: dict[str, tuple[Any, Any]] = {
    "temperature": (0.1, 0.7),
    "teacher": (MovingAverage(0.5), MovingAverage(0.9)),
    "alpha": (0.1, 0.9),
    "contrast": (0.1, 0.9),
    "regression": (0.1, 0.9),
    "invariance": (0.1, 0.9),
    "neighbours": (1, 3),
    "positives": (1, 2),
    "negatives": (1, None),
    "metric": ("cosine", "euclidean"),
    "queue_batches": (1, 5),
    "same_view": (False, True),
    "symmetric": (False, True),
    "elements": (0.1, 0.9),
    "momentum": (0.2, 0.9),
    "noise": (3, 9),
    "keys": (3, 9),
    "bottleneck": (5, 6),
    "prototypes": (7, 12),
    "learned": (False, True),
    "asking": (None, 1),
    "balance": ("centring", "sinkhorn"),
    "centre_momentum": (0.1, 0.9),
    "teacher_temperature": (0.05, 0.5),
    "first_temperature": (0.01, 0.05),
    "warmup_epochs": (1, 30),
    "frozen_epochs": (0, 1),
    "epsilon": (0.05, 0.5),
    "iterations": (1, 3),
    "queue_from": (0, 15),
    "compares": ("items", "segments"),
    "labellings": (1, 3),
    "chance": (0.2, 1.0),
    "normalises": ("layers", "mean"),
    "of_layers": ("end", "feed-forward"),
    "sharpness": (0.5, 25.0),
    "updates": (1, 100),
    "granularities": (1, 2),
    "begins": (0.0, 0.9),
    **OTHER_PRETEXT,
    "hidden": (8, 9),
    "projection": (5, 6),
    "predictor": (True, False),
    "teacher_sees": ("views", "source"),
    "adversary": (None, Adversary()),
    "task": (False, True),
    "beside": (None, small("byol")),
    "weight": (0.1, 0.9),
    "sees": ("source", "views"),
    "hiding": (AtRandom(0.3), AtRandom(0.7)),
    "decoder": (DecoderSettings(8, 1, 2), DecoderSettings(8, 2, 2)),
    "normalised": (False, True),
    "exponent": (1.0, 3.0),
    "random": (0.0, 0.8),
    "kept": (0.0, 0.8),
    "top": (1, 2),
    "beta": (0.1, 3.0),
}
"""Two values of every setting that shows within two steps. Parts, and what needs levels, have tests of their own."""
UNSURE: dict[str, dict[str, Any]] = {"simmatch": {"threshold": 0.1}}
"""What a few steps learn from although the network is not sure of anything yet."""
BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("clip-objects", "compares"): {"heads": Heads(projection=None), "finder": None},
}
"""What else a method is built with where a setting goes with nothing else, and says so."""
PARTS = {
    "parts",
    "foreground",
    *("objective", "presence", "finder", "discovery", "switch", "rounds", "transplants", "background", "of"),
    *("hops", "choice", "contrast_level", "codes", "run", "same_item"),
}
GROUPS = (Heads, Inputs, SemanticSettings)


def settings(method: Any, prefix: str = "") -> Iterator[str]:
    """Dotted names of a method's settings, those of its groups included."""
    for field in dataclasses.fields(method):
        value = getattr(method, field.name)
        if isinstance(value, GROUPS):
            yield from settings(value, f"{prefix}{field.name}.")
        elif field.name not in PARTS:
            yield f"{prefix}{field.name}"


def with_setting(method: Any, path: str, value: Any) -> Any:
    """The method with another value of one setting."""
    name, _, inner = path.partition(".")
    return replace(method, **{name: with_setting(getattr(method, name), inner, value) if inner else value})


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (name, path)
        for name in METHODS.names()
        if not isinstance(METHODS.load(name), Preset)
        for path in settings(METHODS.load(name)())
    ],
)
def test_every_setting_of_a_method_changes_what_is_learned(name: str, path: str) -> None:
    losses = []
    for value in OTHER[path.rpartition(".")[2]]:
        torch.manual_seed(0)
        method = small(name, **UNSURE.get(name, {}), **BESIDE.get((name, path), {}))
        learner = with_setting(method, path, value).build(ENCODERS["points"](), DATA)
        losses.append(trained(learner, 3, batch(16), epoch=1))
    assert losses[0] != losses[1]


def test_semppl_without_semantic_positives_is_its_augmentation_term_exactly() -> None:
    """Law 12: with α = 0 the loss and all gradients are those of contrast with the same temperature."""
    learners = [built("semppl", semantic=SemanticSettings(alpha=0.0)), built("semppl")]
    learners[1].objective = Contrastive(temperature=0.2)
    losses = [learner(batch(), seeded(), PROGRESS).loss for learner in learners]
    for loss in losses:
        loss.backward()
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-6, atol=0)
    ours, theirs = (gradients(learner) for learner in learners)
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        torch.testing.assert_close(gradient, theirs[name], rtol=1e-4, atol=1e-5)


def test_semantic_positives_change_the_loss_once_labels_are_known() -> None:
    learner = built("semppl")
    outcome = learner(batch(), seeded(), PROGRESS)
    assert float(outcome.metrics["semantic"]) > 0
    alone = learner(replace(batch(), labels=None), seeded(), PROGRESS)
    assert float(alone.metrics["semantic"]) == 0
    assert bool(alone.metrics["pseudo_label_accuracy"].isnan())
    torch.testing.assert_close(alone.loss, alone.metrics["augmentation"])


def test_supervised_contrast_without_labels_is_simclr() -> None:
    ours, theirs = built("supervised-contrastive"), built("simclr")
    unlabelled = replace(batch(), labels=None)
    losses = [
        [learner(of, seeded(), PROGRESS).loss.detach() for of in (unlabelled, batch())] for learner in (ours, theirs)
    ]
    torch.testing.assert_close(losses[0][0], losses[1][0])
    assert float(losses[0][1]) != float(losses[1][1])


PUBLISHED: dict[str, dict[str, object]] = {
    "odin": {"temperature": 0.1, "same_view": False, "same_item": True},
    "odin-semantic": {"temperature": 0.2, "alpha": 0.2, "contrast": 1.0, "invariance": 0.0, "neighbours": 1},
    "detcon": {"temperature": 0.1, "same_view": True},
    "detcon-s": {"temperature": 0.1, "same_view": True},
    "byol": {"distance": "normalised", "symmetric": True},
    "semppl": {
        "temperature": 0.2,
        "alpha": 0.2,
        "contrast": 1.0,
        "invariance": 0.0,
        "neighbours": 1,
        "metric": "cosine",
        "positives": 1,
        "negatives": None,
        "same_view": False,
    },
    "semppl-invariant": {
        "alpha": 0.2,
        "contrast": 0.3,
        "invariance": 5.0,
        "positives": 3,
        "negatives": 10,
        "same_view": True,
    },
    "semppl-task": {"alpha": 0.2, "contrast": 1.0, "invariance": 0.0},
    "odin-warm-start": {"weights": (1.0,)},
    "odin-rounds": {"weights": (1.0, 1.0), "elements": True},
    "relic": {"temperature": 0.2, "contrast": 0.3, "invariance": 5.0, "negatives": 10, "same_view": True},
    "simclr": {"temperature": 0.1, "same_view": True},
    "clip": {"temperature": 0.07, "same_view": False, "learned": True},
    "clip-objects": {"temperature": 0.07, "asking": None, "learned": True},
    "moco": {"temperature": 0.2, "symmetric": False},
    "npid": {"temperature": 0.07, "momentum": 0.5},
    "dino": {
        "temperature": 0.1,
        "teacher_temperature": 0.07,
        "first_temperature": 0.04,
        "warmup_epochs": 30,
        "frozen_epochs": 1,
    },
    "leopart": {"temperature": 0.1, "teacher_temperature": 0.05, "first_temperature": 0.05, "frozen_epochs": 0},
    "swav": {"temperature": 0.1, "teacher_temperature": 0.05, "first_temperature": 0.05, "frozen_epochs": 1},
    "deepcluster": {"temperature": 0.1, "iterations": 10},
    "sela": {"sharpness": 25.0, "updates": 100},
    "pcl": {"weights": (1.0, 1.0)},
    "supervised": {},
    **PUBLISHED_PRETEXT,
    **{
        name: {"distance": "normalised", "symmetric": True}
        for name in ("byol-40", "byol-100", "byol-300", "byol-1000", "byol-small")
    },
    "supervised-contrastive": {"temperature": 0.1},
}
"""What the objectives are set to, by the patent applications and papers."""

DECAYS = {
    "leopart": (0.9995, "cosine"),
    "moco": (0.999, "constant"),
    "pcl": (0.999, "constant"),
    "simmatch": (0.999, "constant"),
    "byol-40": (0.97, "cosine"),
    "byol-100": (0.99, "cosine"),
    "byol-300": (0.99, "cosine"),
    "byol-1000": (0.996, "cosine"),
    "byol-small": (0.99, "cosine"),
    "odin-warm-start": (0.99, "cosine"),
} | dict.fromkeys(
    ("odin", "odin-semantic", "detcon", "byol", "semppl", "semppl-invariant", "semppl-task", "relic", "dino"),
    (0.996, "cosine"),
)


@pytest.mark.parametrize("name", [name for name in METHODS.names() if built_by(name) is Learner])
def test_every_method_is_set_as_its_source_defines_it(name: str) -> None:
    learner = built(name, replace(DATA, items=5000, batch=8))
    objective = learner.objective
    assert {key: getattr(objective, key) for key in PUBLISHED[name]} == PUBLISHED[name]
    rule = learner.teacher.rule if isinstance(learner.teacher, Follower) else None
    assert ((rule.base, rule.schedule) if isinstance(rule, MovingAverage) else None) == DECAYS.get(name)
    if isinstance(objective, Semantic):
        assert objective.queue.vectors.shape == (2, 80, 5)  # ten batches, one row of vectors per view
    if isinstance(objective, Npid):
        assert (len(objective.bank), objective.noise) == (5000, 4096)
    if name in ("semppl-task", "supervised"):
        assert learner.task is not None


def test_the_published_presets_are_those_of_the_code() -> None:
    """Source: configs/byol.py."""
    rows = []
    for epochs in (40, 100, 300, 1000):
        preset = preset_named(f"byol-{epochs}")
        assert isinstance(preset.method, BYOL)
        assert isinstance(preset.method.teacher, MovingAverage)
        options = preset.training
        rows.append((epochs, options["lr_per_256"], options["weight_decay"], preset.method.teacher.base))
        assert (options["optimizer"], options["batch"]) == ("lars", 4096)
        assert options["warmup_share"] * epochs == pytest.approx(10)
    assert rows == [(40, 0.45, 1e-6, 0.97), (100, 0.45, 1e-6, 0.99), (300, 0.3, 1e-6, 0.99), (1000, 0.2, 1.5e-6, 0.996)]


def test_the_teacher_may_see_the_untransformed_item() -> None:
    learner = built("byol", inputs=Inputs("source"))
    of = batch()
    outcome = learner(of, seeded(), PROGRESS).details
    torch.manual_seed(0)
    expected = learner.teacher.network.project(
        outcome.segmentation.seen_from(of.source.correspondence, learner.teacher.network.encode(of.source.data)).pool(
            learner.teacher.network.encode(of.source.data)
        )
    )
    for taught in outcome.teacher:
        torch.testing.assert_close(taught.vectors, expected.vectors)


def test_one_direction_is_half_of_two_equal_ones() -> None:
    of = batch()
    same = replace(of, views=(of.source, of.source))
    both, one = (
        built("byol", objective=Regression(symmetric=symmetric))(same, seeded(), PROGRESS).loss
        for symmetric in (True, False)
    )
    torch.testing.assert_close(both, 2 * one)


def test_heads_are_optional() -> None:
    learner = built("byol", heads=Heads(8, None), predictor=False, teacher=None)
    assert learner.teacher.network is learner.online
    names = {name.split(".")[1] for name, _ in learner.named_parameters()}
    assert names == {"encoder"}


def test_an_adversary_makes_the_loss_larger() -> None:
    expected = float(built("byol").eval()(batch(), seeded(), PROGRESS).loss.detach())
    for steps in (1, 4):
        learner = built("byol", inputs=Inputs(adversary=Adversary(size=0.02, steps=steps))).eval()
        assert float(learner(batch(), seeded(), PROGRESS).loss.detach()) > expected + 1e-3


def test_the_passes_of_an_adversary_leave_running_statistics_as_those_of_its_views_alone() -> None:
    """An adversary that finds next to nothing: statistics are those of a learner without one, up to that."""
    learners = [built("byol"), built("byol", inputs=Inputs(adversary=Adversary(size=1e-6, steps=3)))]
    before = dict(built("byol").named_buffers())
    for learner in learners:
        learner(batch(), seeded(), PROGRESS)
    plain, attacked = (dict(learner.named_buffers()) for learner in learners)
    assert plain.keys() == attacked.keys()
    for name, buffer in plain.items():
        torch.testing.assert_close(attacked[name], buffer, rtol=1e-3, atol=1e-5)
    assert any(not torch.equal(buffer, before[name]) for name, buffer in plain.items())


@pytest.mark.parametrize("steps", [1, 3])
def test_an_adversary_changes_each_number_by_no_more_than_its_bound(steps: int) -> None:
    x = torch.tensor([[1.0, -1.0, 0.0], [10.0, 10.0, -10.0]])
    changed = Adversary(0.1, steps)(x, lambda data: (data * torch.tensor([1.0, -1.0, 0.0])).sum())
    torch.testing.assert_close(changed - x, torch.tensor([[0.1, -0.1, 0.0], [1.0, -1.0, 0.0]]))


def test_an_adversary_has_nothing_to_do_with_tokens() -> None:
    with pytest.raises(ValueError, match="leave the adversary out"):
        Adversary()(torch.tensor([[1, 2]]), lambda data: data.sum() * 1.0)


def test_instance_discrimination_remembers_items_by_their_number() -> None:
    eight, three = (replace(DATA, items=items) for items in (8, 3))
    learner = built("npid", eight, noise=None, temperature=0.5)
    assert trained(learner, 30)[-1] < trained(built("npid", eight, noise=None, temperature=0.5), 1)[0]
    with pytest.raises(ValueError, match="bank has 3 entries, got item number 5"):
        built("npid", three, noise=None)(batch(), seeded(), PROGRESS)
