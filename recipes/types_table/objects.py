"""Objects of soundscapes with their true names: the true events, or those that were found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import along_first_axis
from gestalt.core.evaluation import names_of_found
from gestalt.core.experiment.predictions import predictions_of
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.levels import HasLevels, level_of
from gestalt.modalities.audio import MODALITY, Recording

from ..audio_events.synthetic.mixing import Mix, Soundscape
from ..audio_events.truth import truth_of

GROUPS = ("sounds", "families")


@final
@dataclass(frozen=True)
class NamedObjects:
    """Vectors of objects, by the level of the encoder, and what each is.

    Attributes:
        levels: the vectors of every level.
        items: the soundscape of every object.
        names: by `sounds` and `families`, the number of the name of every object, −1 where it has none.
    """

    levels: Mapping[str, Float[Tensor, "objects dim"]]
    items: Int[Tensor, " objects"]
    names: Mapping[str, Int[Tensor, " objects"]]


def named_objects(
    network: Network, finder: ObjectFinder, scapes: Sequence[Soundscape], recordings: Sequence[Recording]
) -> dict[str, NamedObjects]:
    """True events, and those that a finder finds, by `true` and `found`.

    A found event has the name of the true one that fills most of it, none if that is less than half of it.
    """
    batch = predictions_of(network, MODALITY, recordings, finder).joined()
    features = along_first_axis(batch.features)
    assert features.grid is not None
    found = batch.found.view(len(batch.found), features.values.shape[1], -1)[..., 0]
    true = truth_of(scapes, features.grid, Mix())
    family = _families(scapes, true.sounds)
    levels: dict[str, str | None] = {"whole": None}
    if isinstance(network.encoder, HasLevels):
        levels |= {name: name for name in network.encoder.levels if name in ("membership", "types")}
    objects: dict[str, NamedObjects] = {}
    for kind, labels in (("true", true.labels), ("found", found)):
        segmentation = Segmentation.from_labels(labels, int(labels.max()) + 1, features.grid)
        present = segmentation.pool(features).present
        items = present.nonzero()[:, 0]
        vectors = {
            name: segmentation.pool(level_of(network.encoder, level).of(features)).vectors[present]
            for name, level in levels.items()
        }
        names = {"sounds": true.sounds, "families": family}
        if kind == "found":
            names = {name: names_of_found(found, true.labels, one) for name, one in names.items()}
        own = {name: one[:, : present.shape[1]][present[:, : one.shape[1]]] for name, one in names.items()}
        objects[kind] = NamedObjects(vectors, items, own)
    return objects


def _families(scapes: Sequence[Soundscape], sounds: Int[Tensor, "items events"]) -> Int[Tensor, "items events"]:
    """The number of the family of every event."""
    names = sorted({event.family for scape in scapes for event in scape.events})
    families = torch.full_like(sounds, -1)
    for row, scape in enumerate(scapes):
        for place, event in enumerate(scape.events):
            families[row, place] = names.index(event.family)
    return families
