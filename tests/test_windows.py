"""The windows of many files under one numbering."""

import pickle

import pytest

from gestalt.core.modality.windows import WindowIndex


@pytest.mark.parametrize("counts", [[3], [1, 1, 1], [2, 0, 3, 0, 0, 1], [0, 4]])
def test_every_window_has_one_place_and_the_files_follow_one_another(counts: list[int]) -> None:
    index = WindowIndex(counts)
    expected = [(file, place) for file, count in enumerate(counts) for place in range(count)]
    assert [index.place(number) for number in range(len(index))] == expected
    assert [number for file in range(len(counts)) for number in index.of_file(file)] == list(range(sum(counts)))
    assert [len(index.of_file(file)) for file in range(len(counts))] == counts
    assert pickle.loads(pickle.dumps(index)).place(0) == expected[0]


def test_a_window_that_is_not_there_is_named_as_its_modality_calls_it() -> None:
    index = WindowIndex([2, 1], "graph")
    for number in (-1, 3):
        with pytest.raises(IndexError, match=f"graph {number} of 3"):
            index.place(number)
    assert len(WindowIndex([])) == 0
