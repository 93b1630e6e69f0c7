"""Methods with other settings than a paper's main ones, each under a name of its own."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, final

from ..components.registry import METHODS
from ..networks.follower import MovingAverage
from .byol import BYOL
from .mae import MAE
from .masked.hiding import Together
from .method import AbstractMethod, HasTitle
from .semppl import SemPPL
from .settings import Heads, SemanticSettings


@final
@dataclass(frozen=True)
class Preset:
    """A method with settings of its own, and the training options that go with it (names of `Training`).

    Attributes:
        title: what tables call it.
        method: the settings.
        training: options of training that the authors changed with them; `lr_per_256` is the rate for a
            batch of 256 and grows with it; `warmup_share` is the share of the steps that warm up.
    """

    title: str
    method: AbstractMethod
    training: Mapping[str, Any] = field(default_factory=dict)

    def training_for(self, batch: int, steps: int) -> dict[str, Any]:
        """The options of training by name, for the batch and the number of steps that are used in the end.

        Example:
            >>> Preset("Mine", BYOL(), {"lr_per_256": 0.2, "warmup_share": 0.1}).training_for(batch=512, steps=1000)
            {'lr': 0.4, 'warmup': 100}
        """
        options = dict(self.training)
        if "lr_per_256" in options:
            options["lr"] = options.pop("lr_per_256") * batch / 256
        if "warmup_share" in options:
            options["warmup"] = round(options.pop("warmup_share") * steps)
        return options


def _byol(epochs: int, rate: float, weight_decay: float, decay: float) -> Preset:
    return Preset(
        f"BYOL, {epochs} epochs",
        BYOL(teacher=MovingAverage(decay)),
        {
            "optimizer": "lars",
            "lr_per_256": rate,
            "weight_decay": weight_decay,
            "batch": 4096,
            "warmup_share": 10 / epochs,
        },
    )


BYOL_40 = _byol(epochs=40, rate=0.45, weight_decay=1e-6, decay=0.97)
BYOL_100 = _byol(epochs=100, rate=0.45, weight_decay=1e-6, decay=0.99)
BYOL_300 = _byol(epochs=300, rate=0.3, weight_decay=1e-6, decay=0.99)
BYOL_1000 = _byol(epochs=1000, rate=0.2, weight_decay=1.5e-6, decay=0.996)
"""What BYOL's authors changed with the length of training. Source: `configs/byol.py` of their code."""

BYOL_SMALL = Preset("BYOL, small heads", BYOL(Heads(256, 128), teacher=MovingAverage(0.99)))
"""For runs of minutes: heads of 256 and 128, and a teacher that follows sooner."""

SEMPPL_INVARIANT = Preset(
    "SemPPL with invariance",
    SemPPL(semantic=SemanticSettings(positives=3, negatives=10, same_view=True, contrast=0.3, invariance=5.0)),
)
"""The weights of the paper, Bošnjak et al. 2022, with the invariance penalty of ReLIC v2."""

SEMPPL_TASK = Preset("SemPPL with task network", SemPPL(task=True))
"""Claims 17 and 18 of WO 2023/222889."""

CONTEXT_ENCODERS = Preset(
    "context encoders",
    MAE(hiding=Together(0.25, regions=1, aspect=(1.0, 1.0)), normalised=False),
)
"""One region of a quarter of the item, predicted in its plain numbers: Pathak et al. 2016, without their adversary."""


def preset_named(name: str) -> Preset:
    """The method of a name with its defaults, or a preset.

    Raises:
        ValueError: if there is none, with the nearest name, or if what is installed under the name is no method.
        ImportError: if it cannot be imported, with the reason.

    Example:
        >>> preset_named("byol").title, preset_named("byol-small").method.heads.hidden
        ('BYOL', 256)
    """
    found = METHODS.load(name)
    if isinstance(found, Preset):
        return found
    if not (isinstance(found, type) and issubclass(found, AbstractMethod) and hasattr(found, "card")):
        raise ValueError(
            f"what is installed as the method {name!r} must be a subclass of AbstractMethod with a card, or a Preset, "
            f"got {found!r}; correct the entry point of its package, or uninstall it"
        )
    try:
        return Preset(found.card.title, found())
    except TypeError as error:
        raise ValueError(f"the method {name!r} needs a default for every setting: {error}") from error


def title_of(method: AbstractMethod) -> str:
    """What tables call a method: the title of the installed preset that it equals, or of its class.

    Only presets whose module is imported are asked: a method that was chosen as a preset came from there. A method with
    its defaults has the title of its class, also where a preset changes options of training alone.

    Example:
        >>> title_of(BYOL()), title_of(BYOL_SMALL.method)
        ('BYOL', 'BYOL, small heads')
    """
    if all(getattr(method, one.name) == one.default for one in fields(method)):
        return method.card.title
    for point in METHODS.points().values():
        found = getattr(sys.modules.get(point.module), point.attr, None)
        if isinstance(found, Preset) and found.method == method:
            return found.title
    return method.title if isinstance(method, HasTitle) else method.card.title
