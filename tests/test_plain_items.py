"""Items as bytes and back: the same to the last bit, and nothing is executed."""

import sys
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save
from torch import Tensor

from gestalt.core.components.registry import MODALITIES
from gestalt.core.modality.joint.modality import joint
from gestalt.core.modality.plugins import load_modality
from gestalt.core.storage.plain_items import NotPlainError, packed, types_in, unpacked

Plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


def assert_same(one: Any, other: Any) -> None:
    """Of one class, with the same numbers, which lie in memory in the same order."""
    assert type(one) is type(other)
    if isinstance(one, Tensor):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert one.contiguous().numpy().tobytes() == other.contiguous().numpy().tobytes()
        axes = [axis for axis in range(one.dim()) if one.shape[axis] > 1]
        orders = [sorted(axes, key=own.stride) for own in (one, other)]
        assert orders[0] == orders[1]
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other, strict=True)
    elif is_dataclass(one):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, tuple | list):
        assert len(one) == len(other)
        for ours, theirs in zip(one, other, strict=True):
            assert_same(ours, theirs)
    else:
        assert one == other or (one != one and other != other)


@pytest.mark.parametrize("name", [*MODALITIES.names(), "image+text", "audio+video"])
def test_items_of_every_modality_come_back_to_the_last_bit(name: str) -> None:
    parts = {one: load_modality(one) for one in name.split("+")}
    modality = joint(**parts) if len(parts) > 1 else parts[name]
    for specimen in modality.specimens():
        assert_same(specimen.item, unpacked(packed(specimen.item), types_in(specimen.item)))


@given(Plain)
def test_plain_values_come_back(value: Any) -> None:
    assert_same(value, unpacked(packed(value), {}))


@pytest.mark.parametrize("kind", [torch.uint8, torch.int16, torch.int64, torch.bool, torch.float16, torch.float64])
def test_tensors_of_every_kind_come_back_as_they_lie_in_memory(kind: torch.dtype) -> None:
    whole = (torch.randn(2, 3, 4) * 3).to(kind)
    for tensor in (whole, whole.permute(1, 2, 0), whole[:, ::2], whole[0, 0, 0], whole[:0]):
        assert_same(tensor, _again(tensor))
    assert_same(np.arange(6, dtype=np.int32).reshape(2, 3), _again(np.arange(6, dtype=np.int32).reshape(2, 3)))
    assert_same(np.float32(0.1), _again(np.float32(0.1)))


def _again(value: Any) -> Any:
    return unpacked(packed(value), {})


def test_a_decoded_picture_takes_a_byte_a_number_and_other_numbers_stay_whole() -> None:
    levels = torch.randint(256, (3, 40, 50), dtype=torch.uint8)
    picture = (levels.permute(1, 2, 0).contiguous().permute(2, 0, 1)).float() / 255
    assert len(packed(picture)) < picture.numel() + 1000
    assert_same(picture, _again(picture))
    almost = picture.clone()
    almost[-1, -1, -1] += 1e-7
    for other in (almost, -picture, torch.rand(2000), torch.full((2000,), torch.nan)):
        assert len(packed(other)) > 4 * other.numel()
        assert_same(other, _again(other))


@dataclass(frozen=True)
class Made:
    """An item with a picture and a name."""

    pixels: Tensor
    name: str = ""


def test_bytes_name_no_class_that_is_not_known() -> None:
    item = Made(torch.arange(3), "a")
    assert_same(item, unpacked(packed(item), types_in(item)))
    with pytest.raises(KeyError, match="Made"):
        unpacked(packed(item), {})
    hostile = b'{"made": "antigravity:fly", "of": {}}'
    with pytest.raises(KeyError):
        unpacked(save({"tree": torch.frombuffer(bytearray(hostile), dtype=torch.uint8)}), types_in(item))
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    "value",
    [Path("a"), {1, 2}, {1: 2}, 1j, torch.eye(2).to_sparse(), torch.zeros(2, requires_grad=True), np.array(["a"])],
    ids=lambda value: type(value).__name__,
)
def test_what_bytes_cannot_bring_back_is_refused(value: Any) -> None:
    with pytest.raises(NotPlainError, match="cannot be kept"):
        packed(("fine", value))
