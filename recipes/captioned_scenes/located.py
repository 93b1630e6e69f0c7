"""Where is what a phrase says? The pointing game, and objects that hold a word and its item."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.data.grid import Grid
from gestalt.core.data.places import parts_in
from gestalt.core.evaluation import pointing_game
from gestalt.core.experiment.predictions import Predictions

from .alone import Encoded
from .synthetic.told import PICTURE, Told


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
            [one.elements(phrase.first, phrase.last, count, captions.grid) for phrase in one.scene.caption.phrases]
        )
        means = spans.float() @ captions.elements[number, :count] / spans.sum(dim=1, keepdim=True)
        rows.append(means @ pictures.elements[number].T)
    return torch.cat(rows)


def spanned(predictions: Predictions, told: Sequence[Told]) -> float:
    """The share of words for a colour, a texture or a thing whose object shows, in the picture, their item most of all.

    That is, more than half of the pixels in the object's cells are the item's. A spoken word is in the object of most
    of its elements.
    """
    hits, place = list[bool](), 0
    for chunk in predictions.chunks:
        places = parts_in(chunk.features.places)
        for row in range(len(chunk.found)):
            one = told[place]
            cells, lattice = (places.grids[places.names.index(name)] for name in (PICTURE, one.part))
            assert cells is not None
            here = places.here(one.part)
            own, seen = chunk.found[row, here][chunk.features.valid[row, here]], chunk.found[row, places.here(PICTURE)]
            shares = shares_of_cells(one, cells)
            for number, phrase in enumerate(one.scene.caption.phrases):
                for word in range(phrase.first + 1, phrase.last):
                    label = own[one.elements(word, word + 1, len(own), lattice)].mode().values
                    shown = shares[number][(seen == label) & (label >= 0)]
                    hits.append(bool(len(shown)) and float(shown.mean()) > 0.5)
            place += 1
    return sum(hits) / max(len(hits), 1)


def shares_of_cells(one: Told, grid: Grid) -> Float[Tensor, "phrases cells"]:
    """For every phrase, the share of every cell's pixels that belong to its item."""
    inside = torch.stack([one.scene.region(number) for number in range(len(one.scene.caption.phrases))])
    height, width = inside.shape[1:]
    under = grid.locate(Grid.uniform((height, width), (1.0, 1.0)).centres())[0]
    total = torch.zeros(len(inside), grid.elements).index_add_(1, under, inside.flatten(1).float())
    return total / torch.bincount(under, minlength=grid.elements).clamp(min=1)
