"""Labels of some items: read from tables and folders, hidden, mixed into batches at a chosen share."""

from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.data.correspondence import Index
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.data.view import Batch, View
from gestalt.core.methods.info import object_labels
from gestalt.core.methods.targets import Classes, Values
from gestalt.core.training.data import Order, batches
from gestalt.core.training.label_table import read_labels
from gestalt.core.training.labels import Labels, folder_labels
from tests.toy import pad, point_items, toy


@final
class Named(AbstractItems[Tensor]):
    """Toy items with names of files."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.items = point_items(len(names))

    def __len__(self) -> int:
        return len(self.names)

    def read(self, index: int, rng: np.random.Generator) -> Tensor:  # noqa: ARG002
        """The item."""
        return self.items[index]

    def name(self, index: int) -> str:
        """The name."""
        return self.names[index]


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


WINDOWS = Named("/data/a/Ö x.wav [0.0–4.0 s]", "/data/a/Ö x.wav [4.0–8.0 s]", "/data/b/z.wav [0.0–1.0 s]")


def test_a_table_labels_files_by_as_much_of_their_path_as_it_gives(tmp_path: Path) -> None:
    for name in ("Ö x.wav", "a/Ö x.wav", "/data/a/Ö x.wav"):
        labels = read_labels(table(tmp_path, f"file,label\n{name},dog\n"), WINDOWS)
        assert (labels.target, labels.known.tolist()) == (Classes(("dog",)), [0, 0, -1])
    part = read_labels(table(tmp_path, "file,label\nÖ x.wav,dog\nÖ x.wav [4.0–8.0 s],cat\n"), WINDOWS)
    assert (part.target, part.known.tolist()) == (Classes(("cat", "dog")), [1, 0, -1])


def test_columns_are_chosen_and_empty_cells_are_unlabelled(tmp_path: Path) -> None:
    text = "file,kind,label,seconds\nÖ x.wav,one,,2.5\nz.wav,two,yes,7\n"
    assert read_labels(table(tmp_path, text), WINDOWS).known.tolist() == [-1, -1, 0]
    assert read_labels(table(tmp_path, text), WINDOWS, column="kind").target == Classes(("one", "two"))
    values = read_labels(table(tmp_path, text), WINDOWS, column="seconds", kind="value")
    assert isinstance(values.target, Values)
    assert values.known.tolist() == [[2.5], [2.5], [7.0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read .*holds no lines"),
        ("file,kind\n", "needs a header"),
        ("file\nz.wav\n", "at least two columns"),
        ("file,kind\nz.wav,a,b\n", r"labels\.csv:2 has 3 cells, the header has 2; correct the row"),
        ("file,kind\n./z.wav,a\nb/../z.wav,b\n", r"labels\.csv:3: 'z\.wav' is labelled 'a' and 'b'"),
        ("file,kind\nz.wav,a\nz.wav,b\n", r"labels\.csv:3: 'z\.wav' is labelled 'a' and 'b'"),
        (
            "file,kind\nnobody.wav,a\n",
            "names nothing of the data: its first row names 'nobody.wav', and the data have names such as '/data/a",
        ),
        ("file,kind\nz.wav,\n", "labels none of the 3 items"),
        ("file,Onset,Offset,event\nz.wav,0,1,owl\n", "holds stretches of time .*give it with --masks"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_labels(table(tmp_path, text), WINDOWS)


def test_more_that_is_wrong_with_tables_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"missing\.csv does not exist; name a table, or the word folders"):
        read_labels(tmp_path / "missing.csv", WINDOWS)
    (tmp_path / "odd.csv").write_bytes(b"file,kind\n\xff\xfe,a\n")
    with pytest.raises(ValueError, match="cannot be read"):
        read_labels(tmp_path / "odd.csv", WINDOWS)
    with pytest.raises(ValueError, match="has no column 'family'; it has file, kind"):
        read_labels(table(tmp_path, "file,kind\nz.wav,a\n"), WINDOWS, column="family")
    with pytest.raises(ValueError, match="the value 'much' is no finite number"):
        read_labels(table(tmp_path, "file,kind\nz.wav,much\n"), WINDOWS, kind="value")
    with pytest.raises(ValueError, match=r"'x.wav', which fits both /d/x.wav and /e/x.wav"):
        read_labels(table(tmp_path, "file,kind\nx.wav,a\n"), Named("/d/x.wav", "/e/x.wav"))


def test_folders_name_classes() -> None:
    labels = folder_labels(WINDOWS)
    assert (labels.target, labels.known.tolist()) == (Classes(("a", "b")), [0, 0, 1])
    assert folder_labels(Named("/d.1/cat/x (2).png", "/d.1/dog, big/y.png")).target == Classes(("cat", "dog, big"))
    with pytest.raises(ValueError, match="all items lie in one folder, 'a'"):
        folder_labels(Named("a/x", "a/y"))


def test_hidden_labels_are_unknown() -> None:
    labels = Labels(Classes(("x", "y")), torch.tensor([0, 1, -1, 1]))
    assert labels.known_items().tolist() == [0, 1, 3]
    kept = labels.keeping(torch.tensor([1, 2]))
    assert kept.known.tolist() == [-1, 1, -1, -1]
    assert kept.known_items().tolist() == [1]
    values = Labels(Values(("a", "b")), torch.tensor([[0.5, torch.nan], [torch.nan, torch.nan], [2.0, 3.0]]))
    assert values.known_items().tolist() == [0, 2]
    assert values.keeping(torch.tensor([1, 2])).known_items().tolist() == [2]
    assert Labels(Classes(("x",)), torch.tensor([[-1, 0], [-1, -1]])).known_items().tolist() == [0]
    with pytest.raises(ValueError, match="1 classes have names, got class number 3"):
        Labels(Classes(("x",)), torch.tensor([3]))


def steps(**arguments: Any) -> list[list[int]]:
    return [[request.index for request in step] for step in Order(**arguments)]


@pytest.mark.parametrize(("parts", "ranks"), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_every_part_of_a_batch_on_every_rank_has_its_share_of_labelled_items(parts: int, ranks: int) -> None:
    labelled = [1, 5, 11]
    drawn = [
        steps(items=20, batch=16, steps=4, seed=3, parts=parts, rank=rank, ranks=ranks, labelled=labelled, share=0.25)
        for rank in range(ranks)
    ]
    for rank_steps in drawn:
        for part in rank_steps:
            assert sum(index in labelled for index in part) == 4 // (parts * ranks)
    joined = [
        [index for part in range(parts) for rank in range(ranks) for index in drawn[rank][step * parts + part]]
        for step in range(4)
    ]
    whole = steps(items=20, batch=16, steps=4, seed=3, labelled=labelled, share=0.25)
    assert joined == whole


def test_labelled_and_other_items_take_turns_and_a_run_goes_on_where_it_stopped() -> None:
    order = Order(items=20, batch=4, steps=12, seed=0, labelled=[2, 3, 4, 5], share=0.5)
    assert order.steps_per_epoch == 8  # sixteen others, two at a time
    requests = list(order)
    for epoch in range(6):
        labelled = [request for step in requests[2 * epoch :][:2] for request in step if 2 <= request.index <= 5]
        assert sorted(request.index for request in labelled) == [2, 3, 4, 5]
        assert {request.epoch for request in labelled} == {epoch}  # so that their views are drawn anew
    others = [request.index for step in requests[:8] for request in step if not 2 <= request.index <= 5]
    assert sorted(others) == [index for index in range(20) if not 2 <= index <= 5]
    assert list(Order(20, 4, 12, 0, start=5, labelled=[2, 3, 4, 5], share=0.5)) == requests[5:]


@pytest.mark.parametrize(("labelled", "share"), [([], 0.5), ([0, 1, 2], 0.5), ([0], 0.01), ([0], 1.0)])
def test_a_share_that_cannot_be_kept_is_refused(labelled: list[int], share: float) -> None:
    with pytest.raises(ValueError, match="of 3 items are labelled, so"):
        Order(items=3, batch=4, steps=1, seed=0, labelled=labelled, share=share)


def test_batches_bring_what_is_known_of_their_items() -> None:
    items = Named("a", "b", "c", "d")
    for labels in (
        Labels(Classes(("x", "y")), torch.tensor([0, -1, 1, -1])),
        Labels(Classes(("x", "y")), torch.tensor([[0, -1], [-1, -1], [1, 1], [-1, 0]])),
        Labels(Values(), torch.tensor([[0.5], [torch.nan], [2.0], [torch.nan]])),
    ):
        for batch in batches(items, toy("points").views, pad, Order(4, 2, 4, seed=0), 0, False, labels):
            assert batch.labels is not None
            torch.testing.assert_close(batch.labels, labels.known[batch.index], equal_nan=True)
            assert batch.to("cpu").labels is not None


def labelled_batch(labels: Tensor | None) -> Batch[Any]:
    view = View(torch.zeros(2, 4), Index.identity(4).join([Index.identity(4)]))
    return Batch(view, (), ("a", "b"), torch.arange(2), labels=labels)


def test_the_objects_of_an_item_have_its_class() -> None:
    segments = Segmentation.from_labels(torch.tensor([[0, 0, 1, -1], [2, 2, 2, 2]]), objects=3)
    assert object_labels(labelled_batch(None), segments).tolist() == [[-1] * 3] * 2
    assert object_labels(labelled_batch(torch.tensor([7, -1])), segments).tolist() == [[7] * 3, [-1] * 3]


def test_an_object_has_the_class_that_weighs_most_among_its_elements() -> None:
    segments = Segmentation.from_labels(torch.tensor([[0, 0, 0, 1], [2, 2, 2, 2]]), objects=3)
    elements = torch.tensor([[4, 1, 1, -1, 3], [-1, 6, 5, -1, -1]])  # the last column is another batch's padding
    assert object_labels(labelled_batch(elements), segments).tolist() == [[1, -1, -1], [-1, -1, 5]]
    soft = Segmentation(torch.tensor([[[0.9, 0.2, 0.2, 0.0]], [[0.1, 0.1, 0.9, 0.0]]]), None, torch.zeros(2).bool())
    assert object_labels(labelled_batch(elements), soft).tolist() == [[4], [5]]
    whole = segments.falling_back(torch.tensor([True, False]))
    assert object_labels(labelled_batch(elements), whole).tolist() == [[1, -1, -1], [-1, -1, 5]]
    unknown = torch.full((2, 4), -1)
    assert object_labels(labelled_batch(unknown), segments).tolist() == [[-1] * 3] * 2
    grid = Segmentation.from_labels(torch.tensor([[0, 0, 0, 1], [0, 0, 0, 0]]), 2, Grid.uniform((4,), (1.0,)))
    assert object_labels(labelled_batch(elements), grid).tolist() == [[1, -1], [5, -1]]
