"""Ways to cluster object vectors: laws over all of them, and what each is for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float, Int
from sklearn.metrics import adjusted_rand_score, silhouette_score
from torch import Tensor

from gestalt.core.components.description import build, describe
from gestalt.core.components.registry import CLUSTERINGS
from gestalt.core.evaluation.clusters import k_means
from gestalt.core.runs.types.clusterings import (
    AbstractClustering,
    BalancedTypes,
    CommunityTypes,
    DensityTypes,
    KMeansTypes,
)
from gestalt.core.runs.types.clusterings.estimating import silhouettes
from gestalt.core.runs.types.finding import Typing
from gestalt.core.runs.types.members import sample_of
from gestalt.core.runs.types.object_types import ObjectTypes, ordered
from gestalt.core.runs.types.prototypes import Prototypes
from gestalt.core.runs.types.scaling import Scaling
from gestalt.core.runs.types.vector_file import VectorFile
from tests.small_types import small_types

WAYS: dict[str, Callable[[], AbstractClustering]] = {
    "k-means": lambda: KMeansTypes(4),
    "k-means, estimated": KMeansTypes,
    "balanced": lambda: BalancedTypes(4),
    "density": DensityTypes,
    "communities": lambda: CommunityTypes(clusters=8),
}
every_way = pytest.mark.parametrize("name", WAYS)


def blobs(
    count: int = 200, seed: int = 0
) -> tuple[Float[Tensor, "rows dim"], Int[Tensor, " rows"], Int[Tensor, " rows"]]:
    """Rows around four far corners, as many each; what each is of; and items in which one kind alone occurs."""
    chance = torch.Generator().manual_seed(seed)
    kinds = torch.arange(count) % 4
    corners = 10 * torch.eye(6)[:4]
    return (
        corners[kinds] + 0.5 * torch.randn(count, 6, generator=chance),
        kinds,
        kinds + 4 * (torch.arange(count) // 20),
    )


def test_every_way_that_is_installed_is_tried_and_comes_back_from_json() -> None:
    kinds = {type(make()) for make in WAYS.values()}
    assert {CLUSTERINGS.load(name) for name in CLUSTERINGS.names()} == kinds
    for make in WAYS.values():
        assert build(describe(make())) == make()


@every_way
def test_kinds_that_lie_apart_are_types(name: str) -> None:
    rows, kinds, items = blobs()
    types = WAYS[name]().fit(rows, items, seed=0).types_of(rows)
    there = types >= 0
    assert there.double().mean() > 0.9
    assert adjusted_rand_score(kinds[there], types[there]) > 0.98


@every_way
def test_new_objects_get_the_same_types_one_by_one(name: str) -> None:
    rows, _, items = blobs()
    found = WAYS[name]().fit(rows, items, seed=0)
    new, kinds, _ = blobs(60, seed=5)
    types = found.types_of(new)
    assert torch.equal(types, torch.cat([found.types_of(row[None]) for row in new]))
    there = types >= 0
    assert there.double().mean() > 0.8
    assert adjusted_rand_score(kinds[there], types[there]) > 0.98


@every_way
def test_the_same_seed_gives_the_same_types_whatever_was_drawn_before(name: str) -> None:
    rows, _, items = blobs()
    first = WAYS[name]().fit(rows, items, seed=3)
    torch.rand(5)
    np.random.default_rng(1).random()
    second = WAYS[name]().fit(rows, items, seed=3)
    assert torch.equal(first.vectors, second.vectors)
    assert torch.equal(first.types_of(rows), second.types_of(rows))


@every_way
def test_too_few_objects_are_refused_in_words(name: str) -> None:
    with pytest.raises(ValueError, match=r"0 objects were found, and \d+ or more are needed to tell types"):
        WAYS[name]().fit(torch.empty(0, 3), torch.empty(0, dtype=torch.long), seed=0)


def test_a_row_has_the_type_of_its_nearest_prototype_within_reach() -> None:
    chance = torch.Generator().manual_seed(0)
    vectors, rows = torch.randn(7, 3, generator=chance), torch.randn(40, 3, generator=chance)
    types, reach = torch.tensor([0, 1, 1, 2, 0, 3, 2]), torch.rand(7, generator=chance) * 2
    offsets = torch.randn(7, generator=chance)
    expected = []
    for row in rows:
        cost = [float((row - one).square().sum() - offset) for one, offset in zip(vectors, offsets, strict=True)]
        best = cost.index(min(cost))
        expected.append(int(types[best]) if float((row - vectors[best]).norm()) <= float(reach[best]) else -1)
    assert Prototypes(vectors, types, reach, offsets).types_of(rows).tolist() == expected
    assert -1 in expected
    assert len(set(expected)) > 3


def test_the_number_of_types_is_that_of_the_best_silhouette() -> None:
    rows, _, items = blobs()
    found = KMeansTypes(most=9).fit(rows, items, seed=0)
    assert found.count == 4
    assert max(found.tried, key=lambda number: found.tried[number]) == 4
    scores = silhouettes(rows, most=5, seed=0)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    expected = silhouette_score(rows[order].numpy(), k_means(rows[order].numpy(), 3, 3, 0).numpy())
    assert scores[3] == pytest.approx(float(expected))


def test_balanced_types_have_about_as_many_objects_each_where_kmeans_has_not() -> None:
    chance = torch.Generator().manual_seed(0)
    rows = torch.cat([torch.randn(270, 4, generator=chance), 4 + torch.randn(30, 4, generator=chance)])
    items = torch.arange(300)
    shares = [make(3).fit(rows, items, 0).types_of(rows).bincount(minlength=3) for make in (BalancedTypes, KMeansTypes)]
    assert int(shares[0].min()) > 0.7 * 100
    assert int(shares[1].min()) < 0.5 * 100


def test_objects_that_lie_apart_from_all_are_of_no_type_by_density() -> None:
    rows, _, items = blobs()
    found = DensityTypes().fit(rows, items, seed=0)
    far = torch.full((3, 6), 5.0) + torch.eye(6)[:3]
    assert found.types_of(far).tolist() == [-1, -1, -1]
    even = 100 * torch.rand(60, 6, generator=torch.Generator().manual_seed(1))
    none = DensityTypes(least=40).fit(even, torch.arange(60), seed=0)
    assert none.types_of(even).unique().tolist() in ([-1], [-1, 0], [0])


def test_clusters_that_occur_in_the_same_items_are_one_type() -> None:
    rows, kinds, _ = blobs()
    together = torch.where(kinds < 2, torch.arange(200) // 4, 1000 + torch.arange(200))  # 0 and 1 share their items
    types = CommunityTypes(clusters=4).fit(rows, together, seed=0).types_of(rows)
    assert types[kinds == 0].unique().tolist() == types[kinds == 1].unique().tolist()
    assert types[kinds == 2].unique().tolist() != types[kinds == 3].unique().tolist()


def test_a_way_that_finds_the_number_itself_refuses_one() -> None:
    assert Typing(number=5).clustering == KMeansTypes(5)
    assert Typing(BalancedTypes(), 6).clustering == BalancedTypes(6)
    with pytest.raises(ValueError, match="DensityTypes finds their number itself; leave it out"):
        Typing(DensityTypes(), 5)


@pytest.mark.parametrize("kind", ["standardised", "directions", "whitened"])
def test_scaled_rows_have_unit_variance_or_length(kind: str) -> None:
    rows = torch.randn(500, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 10.0, 0.1, 0.0]) + 7
    scaled = Scaling.fitted(kind, rows).of(rows)  # type: ignore[arg-type]
    if kind == "directions":
        assert torch.allclose(scaled.norm(dim=1), torch.ones(500))
        return
    assert torch.allclose(scaled.mean(dim=0), torch.zeros(scaled.shape[1]), atol=1e-3)
    assert torch.allclose(scaled.std(dim=0)[:3], torch.ones(3), atol=1e-3)
    if kind == "whitened":
        assert torch.allclose(scaled.T.cov(), torch.eye(3), atol=1e-3)


def test_types_are_numbered_by_how_often_they_occur_and_empty_ones_go() -> None:
    types, order = ordered(small_types(4), torch.tensor([2, 0, 9, 4]))
    assert order.tolist() == [2, 3, 0]
    assert types.objects == (9, 4, 2)
    assert types.of(torch.tensor([[20.0, 20], [30, 30], [0, 0]]))[0].tolist() == [0, 1, 2]


def test_types_come_back_from_their_files_and_damaged_ones_are_named(tmp_path: Path) -> None:
    rows, _, items = blobs()
    for name, make in WAYS.items():
        scaling = Scaling.fitted("standardised", rows)
        found = make().fit(scaling.of(rows), items, 0)
        types = ObjectTypes(scaling, found, torch.randn(found.count, 6), (1,) * found.count, None, "n", {"by": name})
        types.save(tmp_path / name)
        back = ObjectTypes.load(tmp_path / name)
        assert torch.equal(back.of(rows)[0], types.of(rows)[0])
        assert back.digest == types.digest
        assert back.prototypes.tried == pytest.approx(types.prototypes.tried, abs=1e-5)
    with pytest.raises(FileNotFoundError, match=r"holds no types\.json: name a folder that gestalt types wrote"):
        ObjectTypes.load(tmp_path)
    path = tmp_path / "density" / "types.json"
    for text in ("{", path.read_text().replace('"digest": "', '"digest": "0'), "[]"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"types\.json is damaged .*; find the types again"):
            ObjectTypes.load(tmp_path / "density")
    (tmp_path / "k-means" / "types.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"types\.safetensors is damaged"):
        ObjectTypes.load(tmp_path / "k-means")


def test_vectors_of_another_run_are_refused() -> None:
    small_types(2).refuse_other_run("network")
    with pytest.raises(ValueError, match="found with another run"):
        small_types(2).refuse_other_run("another")


def test_a_sample_holds_whole_items_and_no_more_than_asked() -> None:
    items = torch.arange(100).repeat_interleave(5)
    rows = sample_of(items, 52, seed=0)
    assert len(rows) == 50
    assert items[rows].unique(return_counts=True)[1].unique().tolist() == [5]
    assert torch.equal(sample_of(items, 1000, 0), torch.arange(500))
    assert len(sample_of(torch.zeros(500, dtype=torch.long), 30, 0)) == 30


def test_rows_on_disk_come_back_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gestalt.core.runs.types.vector_file.AT_ONCE", 12)
    rows = torch.randn(23, 4)
    with VectorFile() as file:
        for part in rows.split(5):
            file.add(part)
        parts = list(file.parts())
        assert max(map(len, parts)) == 3
        assert torch.equal(torch.cat(parts), rows)
        assert torch.equal(file.some(torch.tensor([22, 0])), rows[[22, 0]])
