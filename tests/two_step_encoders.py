"""Every encoder in two steps of every modality, built small."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch

from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.plugins import load_modality
from gestalt.core.networks.encoder import AbstractEncoder
from tests.toy import toy

SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "audio": {"transformer": {"width": 16, "depth": 2}},
    "image": {"transformer": {"width": 16, "depth": 2}},
    "video": {"transformer": {"width": 18, "depth": 2, "heads": 3}},
    "sensors": {"transformer": {"width": 16, "depth": 2}},
    "text": {"transformer": {"width": 16, "depth": 2, "buckets": 512}, "conv": {"width": 16, "buckets": 512}},
    "graph": {
        **{name: {"width": 16, "layers": 2} for name in ("gin", "gine", "gcn", "gat")},
        "jumping": {"width": 8, "dim": 8, "layers": 2},
    },
    "image+text": {
        "transformer": {
            "dim": 16,
            "depth": 2,
            "settings": {"image": {"width": 16, "depth": 1}, "text": {"width": 12, "buckets": 512}},
        }
    },
    "audio+video": {
        "transformer": {
            "dim": 16,
            "depth": 2,
            "settings": {"audio": {"width": 16, "depth": 1}, "video": {"width": 18, "heads": 3, "depth": 1}},
        }
    },
    "graph+text": {"transformer": {"dim": 16, "depth": 2, "encoders": "text=conv", "settings": {"text": {"width": 8}}}},
    "points": {"pointnet": {"width": 16, "near": 6}},
    "table": {"mlp": {"width": 16, "layers": 2}, "transformer": {"width": 16, "depth": 2}},
    "toy points": {"small": {}},
    "toy series": {"small": {}},
}
"""Settings by modality and encoder; the first of each modality stands for it where one is enough."""


@final
@dataclass(frozen=True)
class Case:
    """A modality, one of its encoders with weights that mean something, and its specimens."""

    modality: AbstractModality[Any]
    name: str
    settings: dict[str, Any]

    def encoder(self, seed: int = 0) -> AbstractEncoder:
        """The encoder in evaluation mode; whatever begins at zero is moved."""
        torch.manual_seed(seed)
        encoder: AbstractEncoder = self.modality.encoders[self.name](**self.settings)
        with torch.no_grad():
            for weight in encoder.parameters():
                weight.add_(0.02 * torch.randn_like(weight))
        return encoder.eval()

    def items(self) -> list[Any]:
        """The specimens."""
        return [specimen.item for specimen in self.modality.specimens()]


def _modality(name: str) -> AbstractModality[Any]:
    return toy(name.removeprefix("toy ")) if name.startswith("toy ") else load_modality(name)


CASES: dict[str, Callable[[], Case]] = {
    f"{modality}: {encoder}": lambda modality=modality, encoder=encoder, settings=settings: Case(  # type: ignore[misc]
        _modality(modality), encoder, settings
    )
    for modality, encoders in SETTINGS.items()
    for encoder, settings in encoders.items()
}
"""Every such encoder by name."""
