"""Where is what a phrase says? The pointing game, and objects that hold a noun and its item."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.data.grid import Grid
from gestalt.core.data.places import parts_in
from gestalt.core.evaluation import pointing_game
from gestalt.core.experiment.predictions import Predictions

from .alone import Encoded
from .composed.told import PICTURE, Told


def regions(told: Sequence[Told]) -> tuple[Bool[Tensor, "phrases pixels"], Grid]:
    """The pixels of the item that every phrase of every caption mentions, and their lattice."""
    found = [one.scene.region(number) for one in told for number in range(len(one.scene.caption.phrases))]
    height, width = found[0].shape
    return torch.stack(found).flatten(1), Grid.uniform((height, width), (1.0, 1.0))


def pointed(heat: Float[Tensor, "phrases cells"], grid: Grid, told: Sequence[Told]) -> float:
    """The share of phrases whose map is highest within their item."""
    inside, pixels = regions(told)
    return float(pointing_game(heat, grid, inside, pixels).mean())


def heat_of_phrases(captions: Encoded, pictures: Encoded, told: Sequence[Told]) -> Float[Tensor, "phrases cells"]:
    """For every cell of a picture, the mean similarity of the elements of a phrase of its caption."""
    rows = []
    for number, one in enumerate(told):
        count = int(captions.valid[number].sum())
        spans = torch.stack(
            [one.elements(phrase, count, _first(captions.grid, count)) for phrase in one.scene.caption.phrases]
        )
        means = spans.float() @ captions.elements[number, :count] / spans.sum(dim=1, keepdim=True)
        rows.append(means @ pictures.elements[number].T)
    return torch.cat(rows)


def spanned(predictions: Predictions, told: Sequence[Told]) -> float:
    """The share of phrases whose noun lies in an object that, in the picture, shows their item more than all else.

    An object shows an item by the share of its cells' pixels that are the item's.
    """
    hits, place = list[bool](), 0
    for chunk in predictions.chunks:
        places = parts_in(chunk.features.places)
        for row in range(len(chunk.found)):
            one = told[place]
            grid, own = places.grids[places.names.index(PICTURE)], places.here(one.part)
            assert grid is not None
            words = chunk.found[row, own][chunk.features.valid[row, own]]
            seen = chunk.found[row, places.here(PICTURE)]
            lattice = places.grids[places.names.index(one.part)]
            shares = shares_of_cells(one, grid)
            for number, phrase in enumerate(one.scene.caption.phrases):
                noun = words[one.elements(phrase, len(words), _first(lattice, len(words)), noun=True)]
                cells = seen == noun.mode().values
                here = bool(cells.any()) and int(noun.mode().values) >= 0
                hits.append(here and float(shares[number][cells].mean()) > 0.5)
            place += 1
    return sum(hits) / max(len(hits), 1)


def shares_of_cells(one: Told, grid: Grid) -> Float[Tensor, "phrases cells"]:
    """For every phrase, the share of every cell's pixels that belong to its item."""
    inside = torch.stack([one.scene.region(number) for number in range(len(one.scene.caption.phrases))])
    height, width = inside.shape[1:]
    under = grid.locate(Grid.uniform((height, width), (1.0, 1.0)).centres())[0]
    total = torch.zeros(len(inside), grid.elements).index_add_(1, under, inside.flatten(1).float())
    return total / torch.bincount(under, minlength=grid.elements).clamp(min=1)


def _first(grid: Grid | None, count: int) -> Grid | None:
    """The first elements of a lattice of one axis."""
    return None if grid is None else Grid((grid.edges[0][:1, : count + 1],))
