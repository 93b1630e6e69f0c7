"""Items as bytes and back: tensors, arrays, plain values and dataclasses of these; reading them executes nothing."""

import base64
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, final

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

LEVELS = 255
"""Of a decoded picture: its numbers are whole ones divided by this, and a byte holds each."""
LEAST = 1024
"""Numbers of a tensor from which on it is asked whether bytes hold them."""
_TREE = "tree"


@final
class NotPlainError(TypeError):
    """An item holds something that bytes alone cannot bring back."""


def packed(item: object) -> bytes:
    """An item as bytes, in the safetensors format: its tensors, and how they lie in it as JSON.

    Numbers, and the order in which a tensor lies in memory, come back exactly. Decoded pictures take a byte a number.

    Raises:
        NotPlainError: if there is anything in it but tensors, arrays, texts, bytes, numbers, tuples, lists, mappings
            with texts as keys, and dataclasses of these.
    """
    tensors = dict[str, Tensor]()
    tree = json.dumps(_tree(item, tensors)).encode()
    return save({_TREE: torch.frombuffer(bytearray(tree), dtype=torch.uint8), **tensors})


def unpacked(data: bytes, known: Mapping[str, type]) -> Any:
    """The item of `packed`.

    Args:
        data: what it gave.
        known: the dataclasses that may be made, by `name_of_type`: bytes never name code that is run.

    Raises:
        KeyError: if the item is made of another dataclass.

    Example:
        >>> again = unpacked(packed({"x": torch.arange(3), "y": ("a", None, 0.1)}), {})
        >>> again["x"].tolist(), again["y"]
        ([0, 1, 2], ('a', None, 0.1))
    """
    tensors = load(data)
    return _item(json.loads(bytes(tensors[_TREE].numpy())), tensors, known)


def types_in(item: object) -> dict[str, type]:
    """The dataclasses that an item is made of, by `name_of_type`."""
    found = dict[str, type]()
    if is_dataclass(item) and not isinstance(item, type):
        found[name_of_type(type(item))] = type(item)
        inner = [getattr(item, field.name) for field in fields(item)]
    elif isinstance(item, Mapping):
        inner = list(item.values())
    elif isinstance(item, tuple | list):
        inner = list(item)
    else:
        inner = []
    for one in inner:
        found |= types_in(one)
    return found


def name_of_type(kind: type) -> str:
    """Where a class stands."""
    return f"{kind.__module__}:{kind.__qualname__}"


def _tree(item: object, tensors: dict[str, Tensor]) -> Any:
    """What JSON says of an item; its tensors are put beside."""
    if item is None or type(item) in (bool, int, float, str):
        return item
    if isinstance(item, np.generic) and not isinstance(item, np.void):
        return {"scalar": _kept(torch.from_numpy(np.asarray(item)[None]), tensors)}
    if isinstance(item, bytes):
        return {"bytes": base64.b64encode(item).decode()}
    if type(item) is Tensor:
        return {"tensor": _kept(item, tensors)}
    if type(item) is np.ndarray:
        return {"array": _kept(_as_tensor(item), tensors)}
    if type(item) in (tuple, list):
        assert isinstance(item, tuple | list)
        return {type(item).__name__: [_tree(one, tensors) for one in item]}
    if type(item) is dict and all(isinstance(key, str) for key in item):
        return {"dict": {key: _tree(one, tensors) for key, one in item.items()}}
    if is_dataclass(item) and not isinstance(item, type) and all(field.init for field in fields(item)):
        own = {field.name: _tree(getattr(item, field.name), tensors) for field in fields(item)}
        return {"made": name_of_type(type(item)), "of": own}
    raise NotPlainError(f"an item holds a {type(item).__name__}, which cannot be kept as bytes")


def _item(tree: Any, tensors: Mapping[str, Tensor], known: Mapping[str, type]) -> Any:
    if not isinstance(tree, dict):
        return tree
    if "made" in tree:
        return known[tree["made"]](**{name: _item(one, tensors, known) for name, one in tree["of"].items()})
    [(kind, what)] = tree.items()
    match kind:
        case "tensor":
            return _brought_back(what, tensors)
        case "array":
            return _brought_back(what, tensors).numpy()
        case "scalar":
            return _brought_back(what, tensors).numpy()[0]
        case "bytes":
            return base64.b64decode(what)
        case "tuple":
            return tuple(_item(one, tensors, known) for one in what)
        case "list":
            return [_item(one, tensors, known) for one in what]
        case _:
            return {name: _item(one, tensors, known) for name, one in what.items()}


def _as_tensor(array: np.ndarray) -> Tensor:
    try:
        return torch.from_numpy(array)
    except (TypeError, ValueError) as error:
        raise NotPlainError(f"an item holds an array of {array.dtype}, which cannot be kept as bytes") from error


def _kept(tensor: Tensor, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Put a tensor beside the tree, as it lies in memory; what the tree says of it."""
    if tensor.requires_grad or tensor.layout is not torch.strided or tensor.is_complex():
        raise NotPlainError("an item holds a tensor that is sparse, complex or has a gradient, which cannot be kept")
    order = sorted(range(tensor.dim()), key=lambda axis: tensor.stride(axis), reverse=True)
    if not tensor.permute(order).is_contiguous():
        order = list(range(tensor.dim()))
    lying = tensor.permute(order)
    levels = _levels(lying)
    number = str(len(tensors))
    tensors[number] = (lying if levels is None else levels).clone(memory_format=torch.contiguous_format)
    return {"number": number, "order": order, "levels": levels is not None}


def _brought_back(said: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Tensor:
    own, order = tensors[said["number"]], list(said["order"])
    if said["levels"]:
        own = own.float() / LEVELS
    return own.permute([order.index(axis) for axis in range(len(order))])


def _levels(tensor: Tensor) -> Tensor | None:
    """The bytes of a decoded picture; None for other numbers."""
    if tensor.dtype is not torch.float32 or tensor.numel() < LEAST:
        return None
    first = tensor.flatten()[:LEAST] * LEVELS
    if not bool(((first - first.round()).abs() < 1e-3).all()):  # most other tensors are told from their begin
        return None
    levels = (tensor * LEVELS).round().clamp(0, LEVELS).to(torch.uint8)
    return levels if torch.equal(levels.float() / LEVELS, tensor) else None
