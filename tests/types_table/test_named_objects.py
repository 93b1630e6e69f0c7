"""Objects have the names of the events that they are, and vectors of their own elements; scores are those of names."""

from collections import Counter
from typing import Any, cast

import numpy as np
import pytest
import torch

from gestalt.core.experiment.predictions import predictions_of
from gestalt.core.networks.encoder import Network
from gestalt.core.runs.types.clusterings import CommunityTypes, DensityTypes, KMeansTypes
from gestalt.modalities.audio import MODALITY, Recording
from gestalt.modalities.audio.encoders import LogMel
from gestalt.recipes.audio_events.rules import change_points_finder
from gestalt.recipes.audio_events.synthetic.levels import SILENCE_DB
from gestalt.recipes.audio_events.synthetic.mixing import Event, Soundscape
from gestalt.recipes.types_table.objects import GROUPS, NamedObjects, named_objects
from gestalt.recipes.types_table.ways import ESTIMATED, FEWEST, WAYS, Choice, chosen, has_number

EVENTS = (
    (("low", "tone", 0.4, 1.2), ("high", "tone", 2.0, 3.2)),
    (("hiss", "noise", 0.8, 1.6), ("low", "tone", 1.8, 2.6), ("high", "tone", 3.0, 3.6)),
)
"""Two soundscapes: sound, family, onset and offset of every event."""


def soundscapes() -> tuple[list[Soundscape], list[Recording]]:
    rng, time = np.random.default_rng(0), np.arange(64_000) / 16_000
    sounds = {"low": np.sin(600 * time), "high": np.sin(9000 * time), "hiss": rng.standard_normal(64_000)}
    scapes = []
    for events in EVENTS:
        samples, levels = 0.001 * rng.standard_normal(64_000), np.full((len(events), 400), SILENCE_DB, np.float32)
        for row, (name, _, onset, offset) in enumerate(events):
            inside = (time >= onset) & (time < offset)
            samples[inside] += 0.3 * sounds[name][inside]
            levels[row, round(onset * 100) : round(offset * 100)] = -10.0
        told = tuple(Event(onset, offset, name, family, 30.0) for name, family, onset, offset in events)
        scapes.append(Soundscape(samples.astype(np.float32), told, levels, "noise"))
    return scapes, [Recording(torch.from_numpy(scape.samples), 16_000) for scape in scapes]


def test_true_and_found_objects_have_their_events_names_and_the_means_of_their_elements() -> None:
    scapes, recordings = soundscapes()
    network, finder = Network(LogMel()), change_points_finder(0.0)
    objects = named_objects(network, finder, scapes, recordings)
    batch = predictions_of(network, MODALITY, recordings, finder).joined()
    middles = [0.032 * element + 0.016 for element in range(batch.features.values.shape[1])]
    sounds, families = ["high", "hiss", "low"], ["noise", "tone"]
    event_of = [
        [next((n for n, one in enumerate(own) if one[2] <= middle < one[3]), -1) for middle in middles]
        for own in EVENTS
    ]
    for kind in ("true", "found"):
        vectors, items, names = list[torch.Tensor](), list[int](), list[tuple[int, int]]()
        for row, own in enumerate(EVENTS):
            labels = event_of[row] if kind == "true" else batch.found[row].tolist()
            for label in sorted(set(labels) - {-1}):
                inside = [element for element, one in enumerate(labels) if one == label]
                vectors.append(batch.features.values[row, inside].mean(dim=0))
                items.append(row)
                fills = Counter(event_of[row][element] for element in inside)
                most = max(range(len(own)), key=fills.__getitem__)
                name = sounds.index(own[most][0]), families.index(own[most][1])
                names.append(name if fills[most] >= len(inside) / 2 else (-1, -1))
        assert objects[kind].items.tolist() == items
        assert set(objects[kind].levels) == {"whole"}
        torch.testing.assert_close(objects[kind].levels["whole"], torch.stack(vectors), atol=1e-4, rtol=1e-4)
        assert objects[kind].names["sounds"].tolist() == [one for one, _ in names]
        assert objects[kind].names["families"].tolist() == [one for _, one in names]
    assert objects["true"].names["sounds"].tolist() == [2, 0, 1, 2, 0]
    assert {0, 1, 2} <= set(objects["found"].names["sounds"].tolist()), "found ones are named, too"


def clouds(each: int = 30) -> NamedObjects:
    """Three clouds of sounds, of which two are one family; the last object of each has no name."""
    generator = torch.Generator().manual_seed(0)
    sounds = torch.arange(3).repeat_interleave(each)
    centres = torch.tensor([[0.0, 0.0, 9.0], [9.0, 0.0, 0.0], [0.0, 9.0, 0.0]])
    vectors = centres[sounds] + 0.1 * torch.randn(3 * each, 3, generator=generator)
    known = torch.where(torch.arange(3 * each) % each == each - 1, -1, sounds)
    families = torch.where(known >= 0, (known > 0).long(), -1)
    items = torch.arange(3 * each) // 5  # no item has objects of two clouds: those that occur together are a community
    return NamedObjects({"whole": vectors}, items, {"sounds": known, "families": families})


def test_scores_are_those_of_names_and_too_few_objects_have_none() -> None:
    choice = Choice("whole", "standardised", KMeansTypes())
    found = choice.scores(clouds(), GROUPS, 0, told=True)
    assert found["sounds"] == pytest.approx({"accuracy": 1.0, "nmi": 1.0, "purity": 1.0, "types": 3.0})
    assert found["families"]["types"] == 2.0, "told two"
    three = Choice("whole", "standardised", KMeansTypes(number=3)).scores(clouds(), GROUPS, 0, told=False)
    assert three["families"] == pytest.approx({**three["families"], "accuracy": 2 / 3, "purity": 1.0, "types": 3.0})
    few = choice.scores(clouds(FEWEST // 3 - 1), ["sounds"], 0, told=True)
    assert few == {"sounds": dict.fromkeys(("accuracy", "nmi", "purity", "types"), 0.0)}
    nameless = NamedObjects(clouds().levels, clouds().items, {"sounds": torch.full((90,), -1)})
    assert choice.scores(nameless, ["sounds"], 0, told=True)["sounds"]["types"] == 0.0


def test_a_clustering_that_is_told_no_number_is_fitted_once_for_all_names(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = Counter[str]()
    for kind in (KMeansTypes, DensityTypes, CommunityTypes):
        monkeypatch.setattr(kind, "fit", _counting(kind, fits))
    for way in ("density", "communities", "k-means"):
        best = chosen(way, clouds(), GROUPS, 0)
        assert set(best) == set(GROUPS)
        found = {
            names: choice.scores(clouds(), [names], 0, told=has_number(way))[names] for names, choice in best.items()
        }
        assert found["sounds"]["nmi"] > 0.5, way
    tried = {way: 3 * len(WAYS[way]) for way in WAYS}
    assert fits["DensityTypes"] == tried["density"] + 2
    assert fits["CommunityTypes"] == tried["communities"] + 2
    assert fits["KMeansTypes"] == 2 * tried["k-means"] + 2, "told three, and told two"
    assert [way for way in WAYS if has_number(way)] == ["k-means", "balanced"]
    assert ESTIMATED in WAYS


def _counting(kind: type, fits: Counter[str]) -> Any:
    fit = cast("Any", kind).fit

    def counted(self: Any, *given: Any) -> Any:
        fits[kind.__name__] += 1
        return fit(self, *given)

    return counted
