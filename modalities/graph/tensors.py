"""Graphs as a program of tensors takes them: nodes padded to the largest graph, edges of all as one list."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gestalt.core.exports.tensors import TensorInputs

from .data import Graphs, Schema

AXES = {
    "nodes": ("batch", "nodes", "categories"),
    "numbers": ("batch", "nodes", "numbers"),
    "given_valid": ("batch", "nodes"),
    "edges": ("2", "edges"),
    "kinds": ("edges", "kinds"),
    "weights": ("edges", "weights"),
}
"""What the axes of the tensors are called; an input may not have the name of an output, `valid`."""


def schema_of(settings: Mapping[str, Any]) -> Schema:
    """The features of graphs that an encoder with these settings takes."""
    return Schema(
        tuple(settings["nodes"]), int(settings["numbers"]), tuple(settings["edges"]), int(settings["weights"])
    )


def tensor_inputs(schema: Schema) -> TensorInputs:
    """The tensors of a batch of graphs with such features, without those of features that they do not have."""
    there = {
        "nodes": bool(schema.nodes),
        "numbers": bool(schema.numbers),
        "kinds": bool(schema.edges),
        "weights": bool(schema.weights),
    }
    names = [name for name in AXES if there.get(name, True)]

    def take(one: Graphs) -> Sequence[Tensor]:
        tensors = (one.nodes, one.numbers, one.valid, one.edges, one.kinds, one.weights)
        given = dict(zip(AXES, tensors, strict=True))
        return tuple(given[name] for name in names)

    def make(tensors: Sequence[Tensor]) -> Graphs:
        given = dict(zip(names, tensors, strict=True))
        valid, edges = given["given_valid"], given["edges"]
        places, count, device = tuple(valid.shape), edges.shape[1], valid.device
        return Graphs(
            given.get("nodes", torch.zeros(*places, 0, dtype=torch.long, device=device)),
            given.get("numbers", torch.zeros(*places, 0, device=device)),
            valid,
            edges,
            given.get("kinds", torch.zeros(count, 0, dtype=torch.long, device=device)),
            given.get("weights", torch.zeros(count, 0, device=device)),
            schema,
        )

    return TensorInputs({name: AXES[name] for name in names}, take, make)
