"""Windows taken out of the batches in which they were encoded: many at once, as if each were cut out by itself."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from gestalt.core.data.batches import Batches, Own
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.grid import Grid
from gestalt.core.data.pieces import padded_features, part_of
from gestalt.core.data.places import Parts
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.discovery.observed import Observed, ObservedBatches
from gestalt.core.modality.joint import JointModality
from gestalt.core.modality.optional import InfersEncoderSettings, ReadsContext
from gestalt.core.modality.own_windows import own_elements_of
from gestalt.core.modality.plugins import load_modality
from gestalt.core.modality.windows import InContext
from gestalt.core.runs.encoding import Encoding
from gestalt.core.runs.inputs import InMemory, Source
from gestalt.core.runs.windows import features_of, observed_of
from gestalt.modalities.audio import MODALITY as AUDIO
from tests.series_files import write_table
from tests.tiny_runs import tiny_model
from tests.video_files import write as write_video

DIM = 3


def lattice(cells: int, rows: int, across: int, seed: int) -> Grid:
    """Uneven cells along the first axis, of every item or of all, and even ones along the second."""
    widths = torch.rand(rows, cells, generator=torch.Generator().manual_seed(seed)) + 0.1
    first = torch.cat([torch.zeros(rows, 1), widths.cumsum(dim=1)], dim=1)
    return Grid((first,) if across == 1 else (first, torch.arange(across + 1.0)[None]))


def of_kind(kind: str, rows: int, elements: int, seed: int) -> FeatureMap:
    """A batch with padding and, in the map of a set, neighbours; values at padding are not zero."""
    draws = torch.Generator().manual_seed(seed)
    across = 2 if kind == "surface" else 1
    values = torch.randn(rows, elements * across, DIM, generator=draws)
    counts = torch.randint(1, elements + 1, (rows,), generator=draws)
    valid = (torch.arange(elements) < counts[:, None]).repeat_interleave(across, dim=1)
    if kind == "set":
        near = torch.rand(rows, elements, elements, generator=draws) < 0.4
        both = valid[:, None] & valid[:, :, None]
        return FeatureMap(values, valid, None, (near | near.transpose(1, 2)) & both)
    return FeatureMap(values, valid, lattice(elements, rows if kind == "uneven" else 1, across, seed))


def in_parts(rows: int, seed: int) -> FeatureMap:
    """Sound beside words, of which an item lacks either."""
    one, two = of_kind("line", rows, 6, seed), of_kind("set", rows, 4, seed + 1)
    valid = torch.cat([one.valid, two.valid], dim=1)
    near = valid[:, None] & valid[:, :, None]
    assert two.neighbours is not None
    near[:, 6:, 6:] = two.neighbours
    return FeatureMap(
        torch.cat([one.values, two.values], dim=1), valid, Parts(("a", "b"), (6, 4), (one.grid, None)), near
    )


def some_of(features: FeatureMap, batch: int, row: int, draws: torch.Generator) -> Own:
    """Some elements of one item: of a set in any order, on a lattice from one cell to another."""
    places = features.places
    if isinstance(places, Parts):
        low, high = sorted(torch.randperm(7, generator=draws)[:2].tolist())
        words = torch.randperm(4, generator=draws)[: int(torch.randint(0, 5, (1,), generator=draws))]
        grid = places.grids[0]
        assert grid is not None
        of_parts = Parts(("a", "b"), (high - low, len(words)), (Grid((grid.edges[0][:, low : high + 1],)), None))
        return Own(batch, row, torch.cat([torch.arange(low, high), 6 + words]), of_parts)
    if not isinstance(places, Grid):
        count = int(torch.randint(1, features.valid.shape[1] + 1, (1,), generator=draws))
        return Own(batch, row, torch.randperm(features.valid.shape[1], generator=draws)[:count], None)
    cells, across = places.shape[0], features.valid.shape[1] // places.shape[0]
    low, high = sorted(torch.randperm(cells + 1, generator=draws)[:2].tolist())
    first = places.edges[0][row % len(places.edges[0])][None, low : high + 1]
    return Own(batch, row, torch.arange(low * across, high * across), Grid((first, *places.edges[1:])))


def equal(one: FeatureMap, two: FeatureMap) -> None:
    """To the last bit, padding included."""
    for ours, theirs in ((one.values, two.values), (one.valid, two.valid), (one.neighbours, two.neighbours)):
        assert (ours is None) == (theirs is None)
        assert ours is None or theirs is None or (ours.shape == theirs.shape and torch.equal(ours, theirs))
    grids: list[Any] = [places.grids if isinstance(places, Parts) else [places] for places in (one.places, two.places)]
    for ours, theirs in zip(*grids, strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or all(torch.equal(a, b) for a, b in zip(ours.edges, theirs.edges, strict=True))


@pytest.mark.parametrize("kind", ["set", "line", "uneven", "surface", "parts"])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_taken_together_is_what_is_cut_out_item_by_item_and_padded(kind: str, seed: int) -> None:
    sizes = (5, 9, 3) if seed % 2 else (7,)
    maps = [in_parts(4, seed + size) if kind == "parts" else of_kind(kind, 4, size, seed + size) for size in sizes]
    draws = torch.Generator().manual_seed(seed)
    order = torch.randperm(4 * len(maps), generator=draws)[:6].tolist()
    items = [some_of(maps[number // 4], number // 4, number % 4, draws) for number in order]
    alone = [part_of(maps[own.batch], own.row, own.numbers, own.places) for own in items]
    equal(Batches.of(maps).taken(items), padded_features(alone))
    beside = [Observed(one, one.values[..., :1], one.values[..., 1:], -one.values) for one in maps]
    seen = ObservedBatches.of(beside).taken(items)
    equal(seen.features, padded_features(alone))
    assert seen.plain is not None
    assert isinstance(seen.cuts, Tensor)
    assert torch.equal(seen.plain, padded_features(alone).values[..., :1])
    assert torch.equal(seen.cuts, -padded_features(alone).values)


def test_a_batch_that_is_taken_whole_is_not_copied() -> None:
    whole = of_kind("line", 4, 7, 0)
    everything = [Own(0, row, torch.arange(7), whole.places) for row in range(4)]
    taken = Batches.of([whole]).taken(everything)
    assert taken.values.data_ptr() == whole.values.data_ptr()
    turned = Batches.of([whole]).taken(everything[::-1])
    assert torch.equal(turned.values, whole.values.flip(0)), "in another order it is"


@pytest.mark.parametrize("kind", ["line", "uneven", "surface"])
@pytest.mark.parametrize("seed", range(6))
def test_the_elements_of_windows_are_those_whose_centres_lie_in_them(kind: str, seed: int) -> None:
    features = of_kind(kind, 5, 8, seed)
    grid, rng = features.grid, np.random.default_rng(seed)
    assert grid is not None
    across = features.valid.shape[1] // 8
    spans = [tuple(sorted(rng.uniform(-0.3, 5.0, 2).tolist())) for _ in range(5)]
    spans[2] = (1.0, 1.0 + 1e-9)  # no centre lies there
    spans[4] = (0.0, float(grid.edges[0][-1, -1]))
    found = own_elements_of([InContext(None, None, span) for span in spans], features)
    for row, ((begin, end), (index, places)) in enumerate(zip(spans, found, strict=True)):
        edges = grid.edges[0][row % len(grid.edges[0])].tolist()
        cells = int(features.valid[row].sum()) // across
        centres = [(low + high) / 2 for low, high in pairwise(edges[: cells + 1])]
        own = [number for number, centre in enumerate(centres) if begin <= centre < end]
        own = own or [min(range(cells), key=lambda number: abs(centres[number] - (begin + end) / 2))]
        assert index.tolist() == list(range(own[0] * across, (own[-1] + 1) * across))
        assert isinstance(places, Grid)
        moved = [edge - begin for edge in edges[own[0] : own[-1] + 2]]
        assert places.edges[0][0].tolist() == pytest.approx(moved, abs=1e-6)
        assert places.shape[1:] == grid.shape[1:]


def test_what_is_said_of_windows_fits_their_elements() -> None:
    on_line, in_set = of_kind("line", 1, 4, 0), of_kind("set", 1, 4, 0)
    with pytest.raises(ValueError, match="begin and end for elements on a grid"):
        own_elements_of([InContext(None, None, torch.arange(2))], on_line)
    with pytest.raises(ValueError, match="numbers of elements for sets"):
        own_elements_of([InContext(None, None, (0.0, 1.0))], in_set)
    with pytest.raises(ValueError, match="features are of none"):
        own_elements_of([InContext(None, None, {"a": None})], in_set)
    with pytest.raises(ValueError, match="of no several parts"):
        own_elements_of([InContext(None, None, (0.0, 1.0))], in_parts(1, 0))


def audio(folder: Path) -> None:
    for number, seconds in enumerate((4.0, 4.0, 4.0, 2.3, 0.7, 4.0)):
        samples = 0.1 * np.random.default_rng(number).standard_normal(int(16_000 * seconds))
        soundfile.write(folder / f"{number}.wav", samples, 16_000)


def text(folder: Path) -> None:
    lines = [" ".join(["old", "river", "runs"][place % 3] for place in range(1 + 37 * n % 58)) for n in range(20)]
    (folder / "items.txt").write_text("\n".join(lines) + "\n")


def graph(folder: Path) -> None:
    (folder / "items.smi").write_text("\n".join("C" * (3 + 37 * n % 58) for n in range(20)) + "\n")


def points(folder: Path) -> None:
    for number in range(5):
        np.save(folder / f"{number}.npy", np.random.default_rng(number).uniform(0, 9, (20 + 9 * number, 4)))


def sensors(folder: Path) -> None:
    for number in range(4):
        write_table(folder / f"{number}.csv", number, 8 + 3 * number)


def video(folder: Path) -> None:
    for number in range(3):
        write_video(folder / f"{number}.mp4", [frame / 8 for frame in range(6 + 3 * number)])


def joint(folder: Path) -> None:
    audio(folder)
    for number in range(6):
        (folder / f"{number}.txt").write_text("a word " * (number + 1) + "\n")


FILES = {"audio": audio, "text": text, "graph": graph, "points": points, "sensors": sensors, "video": video}
ENCODERS = {"audio": "conv", "text": "transformer", "graph": "gin"}


def whole_items(name: str, folder: Path) -> tuple[Any, Any]:
    """A model, and items of files that are windows of nothing longer."""
    if name == "joint":
        joint(folder)
        modality: Any = JointModality({"audio": AUDIO, "text": load_modality("text")}, False)
        settings: dict[str, Any] = {"encoders": "audio=conv,text=conv", "dim": 16}
    else:
        FILES[name](folder)
        modality, settings = load_modality(name), {}
    items = modality.read([folder]).items
    encoder = ENCODERS.get(name) or next(one for one in modality.encoders if one != "raw")
    if isinstance(modality, InfersEncoderSettings):
        settings = dict(modality.encoder_settings(encoder, items))
    assert isinstance(items, ReadsContext)
    built: Any = modality
    model = tiny_model(built, encoder, 3, **settings) if name != "joint" else joint_model(built, settings)
    return replace(model, batch=4), items


def joint_model(modality: Any, settings: dict[str, Any]) -> Any:
    model = tiny_model(modality, "joint", 3, **settings)
    return replace(model, finder=ObjectFinder(KMeans(3, spherical=False), "hidden"))


@pytest.mark.parametrize("name", [*FILES, "joint"])
def test_items_that_fit_one_window_have_the_vectors_and_objects_of_items_in_memory(name: str, tmp_path: Path) -> None:
    model, items = whole_items(name, tmp_path)
    in_memory = InMemory([items.read(index, np.random.default_rng(0)) for index in range(len(items))])
    for asked in (model, replace(model, finder=None)):
        in_windows, at_once = list(asked.encoded(items)), list(asked.encoded(in_memory))
        assert [one.index for one in in_windows] == [one.index for one in at_once]
        for one, two in zip(in_windows, at_once, strict=True):
            for row in range(len(one.index)):
                ours, theirs = one.features.valid[row], two.features.valid[row]
                assert int(ours.sum()) == int(theirs.sum())
                vectors = one.features.values[row][ours], two.features.values[row][theirs]
                assert torch.allclose(*vectors, atol=1e-4)
                assert torch.equal(one.labels()[row][ours], two.labels()[row][theirs])


def test_some_items_are_given_in_batches_as_all_are(tmp_path: Path) -> None:
    model, items = whole_items("text", tmp_path)
    encoding: Encoding[Any] = model._encoding()
    every = {
        number: rows
        for index, features in encoding.features(Source(items, (), "text", None))
        for number, rows in by_number(index, features)
    }
    for wanted in (range(len(items)), [0, 3, 4, 5, 17]):
        some = list(encoding.some(items, None, wanted))
        assert [number for index, _ in some for number in index] == list(wanted)
        for index, features in some:
            for number, rows in by_number(index, features):
                assert torch.equal(rows, every[number])


def by_number(index: Sequence[int], features: FeatureMap) -> list[tuple[int, Tensor]]:
    return [(number, features.values[row][features.valid[row]]) for row, number in enumerate(index)]


def test_a_window_that_waits_keeps_nothing_of_its_batch(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 0.1 * np.random.default_rng(0).standard_normal(16_000 * 14), 16_000)
    model = tiny_model(AUDIO, "conv", 3)
    windows = [one for some in model._encoding()._windows(*sourced(AUDIO, tmp_path)) for one in some]
    together, seen = features_of(windows), observed_of(windows)
    for row, window in enumerate(windows):
        alone = window.by_itself()
        assert alone.within.features.values.of_batches[0].shape[0] == 1
        count = alone.features.valid.shape[1]
        assert torch.equal(alone.features.values[0], together.values[row, :count])
        assert torch.equal(observed_of([alone]).features.values[0], seen.features.values[row, :count])
        with pytest.raises(ValueError, match="without a finder"):
            observed_of([window.by_itself(observed=False)])
    with pytest.raises(ValueError, match="these are of several"):
        features_of([windows[0], windows[1].by_itself()])


def sourced(modality: Any, folder: Path) -> tuple[Source[Any], Any]:
    items = modality.read([folder]).items
    return Source(items, (), "audio", None), items
