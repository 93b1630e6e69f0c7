"""What a way of listening and looking says of scenes: where each sound comes from, and when anything sounds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.grid import Grid
from gestalt.core.data.places import one_grid
from gestalt.core.experiment.part_alone import part_alone
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.joint import JointItem
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.modes import evaluating

from .moments import change, flux, motion, standardised, tubes
from .synthetic.scenes import Scene

CHUNK = 20
"""Scenes that are looked at together."""
HEARD = 0.4
"""Seconds of a sound that ask where it comes from, at most."""
BEFORE, AFTER = 0.0, 0.12
"""Seconds of the picture around an onset that are asked."""


@final
@dataclass(frozen=True)
class Answers:
    """Of every scene, in their order.

    Attributes:
        heats: how much every cell of the frames around an onset has to do with that sound, one map per sound.
        grids: where the cells of the whole clip lie; frames outside that stretch have no heat (−∞).
        moments: how much suggests that something sets in to sound, over `when`; None where nothing is said.
        when: the begin of every moment, in seconds.
        heard: a vector for the sound of every scene; None where sounds and pictures are not compared.
        seen: a vector for the picture of every scene.
    """

    heats: tuple[Float[Tensor, "_ frames rows columns"], ...]
    grids: tuple[Grid, ...]
    moments: Float[Tensor, "scenes moments"] | None
    when: Float[Tensor, " moments"]
    heard: Float[Tensor, "scenes dim"] | None = None
    seen: Float[Tensor, "scenes dim"] | None = None


def by_synchrony(scenes: Sequence[Scene], modality: AbstractModality[JointItem]) -> Answers:
    """What suddenly changes as a sound sets in is where it comes from; nothing is learned."""
    audio, video = _parts(scenes, modality)
    growth, grid = flux(audio)
    changes, lattice = change(video), tubes(video)
    curve = motion(video, changes)
    when = grid.edges[0][0][:-1]
    at_frames = _on_frames(growth, when, lattice.edges[0][0])
    return Answers(
        _around(
            scenes, [changes[row].expand(len(scene.sounds), -1, -1, -1) for row, scene in enumerate(scenes)], lattice
        ),
        _each(lattice, len(scenes)),
        _at(curve, lattice.edges[0][0], when),
        when,
        at_frames,
        curve,
    )


def sound_curve(scenes: Sequence[Scene], modality: AbstractModality[JointItem]) -> Float[Tensor, "scenes moments"]:
    """The sound alone: where its spectrum grows."""
    return flux(_parts(scenes, modality)[0])[0]


def by_motion(scenes: Sequence[Scene], modality: AbstractModality[JointItem]) -> Answers:
    """The picture alone: what suddenly changes at any time of the clip."""
    told = by_synchrony(scenes, modality)
    _, video = _parts(scenes, modality)
    most = change(video).amax(dim=1)
    heats = [torch.where(heat.isfinite(), most[row], -torch.inf) for row, heat in enumerate(told.heats)]
    return Answers(tuple(heats), told.grids, told.moments, told.when)


def beside(change: Answers, agreement: Answers, weight: float) -> Answers:
    """The heat of sudden changes plus `weight` times that of agreement, each in deviations from its mean over the map.

    The rest is that of `agreement`.
    """
    heats = [_weighed(seen, agreed, weight) for seen, agreed in zip(change.heats, agreement.heats, strict=True)]
    return replace(agreement, heats=tuple(heats))


def _weighed(
    seen: Float[Tensor, "sounds frames _ _"], agreed: Float[Tensor, "sounds frames rows columns"], weight: float
) -> Float[Tensor, "sounds frames rows columns"]:
    here = agreed.isfinite()
    resized = torch.nn.functional.interpolate(torch.where(seen.isfinite(), seen, 0.0), agreed.shape[2:], mode="area")
    both = [standardised_map(resized, here), weight * standardised_map(torch.where(here, agreed, 0.0), here)]
    return torch.where(here, both[0] + both[1], -torch.inf)


def standardised_map(
    heat: Float[Tensor, "sounds frames rows columns"], here: Bool[Tensor, "sounds frames rows columns"]
) -> Float[Tensor, "sounds frames rows columns"]:
    """Each map in deviations from its mean over the cells that count; 0 elsewhere."""
    count = here.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)
    centred = torch.where(here, heat - (heat * here).sum(dim=(1, 2, 3), keepdim=True) / count, 0.0)
    return centred / (centred.square().sum(dim=(1, 2, 3), keepdim=True) / count).sqrt().clamp(min=1e-6)


def by_network(scenes: Sequence[Scene], modality: AbstractModality[JointItem], network: Network) -> Answers:
    """Cosine similarity of a sound's vector and each cell's in the space in which the method compares.

    Moments are sudden changes of cells, each as far as it agrees with what is heard then. Whatever the lattice of the
    encoder in time, answers lie on the frames of the clips and on the moments of the rules.
    """
    heats, moments, heard, seen = list[Tensor](), list[Tensor](), list[Tensor](), list[Tensor]()
    audio, video = _parts(scenes[:1], modality)
    frames, when = tubes(video).edges[0], flux(audio)[1].edges[0][0][:-1]
    lattice = None
    for first in range(0, len(scenes), CHUNK):
        some = scenes[first : first + CHUNK]
        told = [part_alone(network, modality, [one.item for one in some], part) for part in ("audio", "video")]
        sound, picture = told[0].hidden, told[1].elements
        lattice, times = one_grid(picture.places), one_grid(sound.places)
        assert lattice is not None
        assert times is not None
        cells = torch.nn.functional.normalize(picture.values, dim=2)
        cells, lattice = _of_frames(cells.unflatten(1, lattice.shape), lattice, frames)
        for row, scene in enumerate(some):
            asked = torch.nn.functional.normalize(_of_sounds(network, sound, row, scene, times), dim=1)
            heats.append(torch.einsum("sd,tyxd->styx", asked, cells[row]))
        moments.append(_agreeing(network, sound, cells, some, modality, lattice, times, when))
        heard.append(told[0].whole)
        seen.append(told[1].whole)
    assert lattice is not None
    return Answers(
        _around(scenes, heats, lattice),
        _each(lattice, len(scenes)),
        torch.cat(moments),
        when,
        torch.cat(heard),
        torch.cat(seen),
    )


def _of_frames(
    cells: Float[Tensor, "items times rows columns dim"], lattice: Grid, edges: Float[Tensor, "_ edges"]
) -> tuple[Float[Tensor, "items frames rows columns dim"], Grid]:
    """For every frame the cells that are on show in its middle, and where they lie."""
    middles = (edges[0, 1:] + edges[0, :-1]) / 2
    place = torch.searchsorted(lattice.edges[0][0].contiguous(), middles.contiguous(), right=True) - 1
    return cells[:, place.clamp(0, cells.shape[1] - 1)], Grid((edges, *(own[:1] for own in lattice.edges[1:])))


def _of_sounds(network: Network, sound: FeatureMap, row: int, scene: Scene, times: Grid) -> Float[Tensor, "sounds dim"]:
    """The vector of every true sound: the mean over what is heard of it, until the next one begins."""
    middles = times.centres()[0, :, 0]
    ends = [min(one.offset, one.onset + HEARD) for one in scene.sounds]
    weights = torch.stack(
        [(middles >= one.onset - 0.016) & (middles < end) for one, end in zip(scene.sounds, ends, strict=True)]
    ).float()
    pooled = weights @ sound.values[row] / weights.sum(dim=1, keepdim=True).clamp(min=1)
    with evaluating(network):
        found: Tensor = network.projector(pooled)
    return found


def _agreeing(
    network: Network,
    sound: FeatureMap,
    cells: Float[Tensor, "items frames rows columns dim"],
    scenes: Sequence[Scene],
    modality: AbstractModality[JointItem],
    lattice: Grid,
    times: Grid,
    when: Float[Tensor, " moments"],
) -> Float[Tensor, "items moments"]:
    """max over cells of how suddenly each changes, times how much it agrees with what is heard from then on."""
    _, video = _parts(scenes, modality)
    changes = torch.nn.functional.interpolate(change(video), lattice.shape[1:], mode="area")
    edges = lattice.edges[0][0]
    middles = times.centres()[0, :, 0]
    heard = ((middles >= edges[:-1, None]) & (middles < edges[:-1, None] + HEARD)).float()
    pooled = torch.einsum("fm,bmd->bfd", heard / heard.sum(dim=1, keepdim=True).clamp(min=1), sound.values)
    with evaluating(network):
        asked = network.projector(pooled.flatten(0, 1)).unflatten(0, pooled.shape[:2])
    asked = torch.nn.functional.normalize(asked, dim=2)
    agreement = torch.einsum("btd,btyxd->btyx", asked, cells)
    agreement = agreement - agreement.flatten(1).median(dim=1).values[:, None, None, None]
    curve = (changes * agreement.clamp(min=0)).flatten(2).amax(dim=2)
    return _at(standardised(curve, torch.ones_like(curve, dtype=torch.bool)), edges, when)


def _parts(scenes: Sequence[Scene], modality: AbstractModality[JointItem]) -> tuple[Any, Any]:
    data = modality.collate([scene.item for scene in scenes])
    parts = dict(zip(data.names, data.data, strict=True))
    return parts["audio"], parts["video"]


def _around(scenes: Sequence[Scene], heats: Sequence[Tensor], grid: Grid) -> tuple[Tensor, ...]:
    """Heat in the frames around every onset alone."""
    edges = grid.edges[0][0]
    found = []
    for scene, heat in zip(scenes, heats, strict=True):
        onsets = torch.tensor([one.onset for one in scene.sounds])[:, None]
        here = (edges[1:] > onsets - BEFORE) & (edges[:-1] < onsets + AFTER)
        found.append(torch.where(here[..., None, None], heat, -torch.inf))
    return tuple(found)


def _each(grid: Grid, count: int) -> tuple[Grid, ...]:
    return tuple(Grid(tuple(edges[:1] for edges in grid.edges)) for _ in range(count))


def _at(curve: Float[Tensor, "items frames"], edges: Tensor, when: Tensor) -> Float[Tensor, "items moments"]:
    """A curve over frames at the moments of sound: what is on show then."""
    frame = (torch.searchsorted(edges.contiguous(), when.contiguous(), right=True) - 1).clamp(0, curve.shape[1] - 1)
    return curve[:, frame]


def _on_frames(curve: Float[Tensor, "items moments"], when: Tensor, edges: Tensor) -> Float[Tensor, "items frames"]:
    """A curve over moments of sound on frames: its greatest value in each."""
    frame = torch.searchsorted(edges.contiguous(), when.contiguous(), right=True) - 1
    found = curve.new_full((len(curve), len(edges) - 1), -10.0)
    return found.scatter_reduce(1, frame.clamp(0, len(edges) - 2).expand(len(curve), -1), curve, "amax")
