"""Scene graphs as Visual Genome writes them: objects with names, attributes and boxes, and their relationships."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch

from .data import DIRECTIONS, Graph, Schema
from .json_values import list_in, object_in, text_in
from .typed import WORDS, category, joined

ATTRIBUTES = 3
"""So many attributes of an object are features, the first ones; further ones are left out."""
BOX = 4
SCENE = Schema(nodes=(WORDS,) * (1 + ATTRIBUTES), numbers=1 + BOX, edges=(WORDS, DIRECTIONS), weights=0, directed=True)
"""Nodes: a category of the name, then of the attributes; the degree, and where the box lies. Edges: the predicate."""


@final
@dataclass(frozen=True)
class Scene:
    """Names of the objects, their attributes, their boxes (middle and size; zeros where unknown), and relationships
    `(subject, object, predicate)` by the numbers of the objects.
    """

    names: tuple[str, ...]
    attributes: tuple[tuple[str, ...], ...]
    boxes: tuple[tuple[float, ...], ...]
    relationships: tuple[tuple[int, int, str], ...]


def is_scene(document: Any) -> bool:
    """Whether a document looks like a scene graph.

    Example:
        >>> is_scene({"objects": [], "relationships": []}), is_scene({"nodes": []})
        (True, False)
    """
    return isinstance(document, dict) and ("objects" in document or "relationships" in document)


def scene_of(document: Any) -> Scene:
    """What a document says of a scene.

    Objects may stand in a list of their own, or within their relationships (`subject`, `object`).

    Raises:
        ValueError: if it says nothing of any object, or names one that there is not.

    Example:
        >>> one = {"object_id": 5, "names": ["cup"], "attributes": ["red"]}
        >>> two = {"object_id": 6, "name": "table"}
        >>> said = {"subject_id": 5, "predicate": "on", "object_id": 6}
        >>> scene_of({"objects": [one, two], "relationships": [said]}).relationships
        ((0, 1, 'on'),)
    """
    listed: dict[str, dict[str, Any]] = {}
    for number, entry in enumerate(list_in(document, "objects"), start=1):
        known = object_in(entry, f"object {number}")
        if listed.setdefault(_id(known, f"object {number}"), known) is not known:
            raise ValueError(f"object {number} has the object_id {known['object_id']!r} of another; number them apart")
    said = [object_in(entry, "a relationship") for entry in list_in(document, "relationships")]
    pairs = [(_end(entry, "subject", listed), _end(entry, "object", listed)) for entry in said]
    if not listed:
        raise ValueError("is a scene without objects")
    place = {name: number for number, name in enumerate(listed)}
    for number, ends in enumerate(pairs, start=1):
        for end in ends:
            if end not in place:
                raise ValueError(f"relationship {number} is of the object {end!r}, which is none of the scene's")
    predicates = [_word(entry.get("predicate", ""), "a predicate") for entry in said]
    return Scene(
        tuple(_name(entry) for entry in listed.values()),
        tuple(_attributes(entry) for entry in listed.values()),
        tuple(_boxes(list(listed.values()))),
        tuple((place[one], place[two], word) for (one, two), word in zip(pairs, predicates, strict=True)),
    )


def _id(entry: dict[str, Any], what: str) -> str:
    if "object_id" not in entry:
        raise ValueError(f"{what} has no object_id")
    return text_in(entry["object_id"], f"the object_id of {what}")


def _end(entry: dict[str, Any], role: str, listed: dict[str, dict[str, Any]]) -> str:
    """The object at one end of a relationship; one that is written out there is added to those that are listed."""
    if f"{role}_id" in entry:
        return text_in(entry[f"{role}_id"], f"{role}_id")
    known = object_in(entry.get(role), f"the {role} of a relationship (or its {role}_id)")
    name = _id(known, f"the {role} of a relationship")
    listed.setdefault(name, known)
    return name


def _name(entry: dict[str, Any]) -> str:
    names = list_in(entry, "names")
    return _word(names[0] if names else entry.get("name", ""), "the name of an object")


def _attributes(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(_word(word, "an attribute") for word in list_in(entry, "attributes")[:ATTRIBUTES])


def _word(value: Any, what: str) -> str:
    return " ".join(text_in(value, what).lower().split())


def _boxes(entries: Sequence[dict[str, Any]]) -> list[tuple[float, ...]]:
    """Middle and size of every box, as shares of what all boxes of the scene span; zeros where one has no box."""
    boxes = [_box(entry) for entry in entries]
    there = [box for box in boxes if box is not None]
    left, top = (min((box[axis] for box in there), default=0.0) for axis in (0, 1))
    wide, high = (
        max((box[axis] + box[axis + 2] for box in there), default=0.0) - low for axis, low in ((0, left), (1, top))
    )
    wide, high = max(wide, 1e-9), max(high, 1e-9)
    return [
        (0.0,) * BOX
        if box is None
        else ((box[0] + box[2] / 2 - left) / wide, (box[1] + box[3] / 2 - top) / high, box[2] / wide, box[3] / high)
        for box in boxes
    ]


def _box(entry: dict[str, Any]) -> tuple[float, ...] | None:
    given: list[Any] = [
        entry.get(key, entry.get(other)) for key, other in (("x", "x"), ("y", "y"), ("w", "width"), ("h", "height"))
    ]
    if any(value is None for value in given):
        return None
    for value in given:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e9:
            raise ValueError(f"the box of an object must be four numbers (x, y, w, h), got {value!r:.40}")
    if float(given[2]) < 0 or float(given[3]) < 0:
        raise ValueError(f"the box of an object has a size below 0, got {given[2]} × {given[3]}")
    return tuple(map(float, given))


def scene_graph(scene: Scene, title: str) -> Graph:
    """The objects as nodes, the relationships as edges that point from subject to object; those of an object with
    itself are left out.
    """
    rows = [
        [category(name), *(category(word) for word in words), *[0] * (ATTRIBUTES - len(words))]
        for name, words in zip(scene.names, scene.attributes, strict=True)
    ]
    kept = [(one, two, word) for one, two, word in scene.relationships if one != two]
    return joined(
        torch.tensor(rows, dtype=torch.long).view(-1, 1 + ATTRIBUTES),
        torch.tensor(scene.boxes).view(-1, BOX),
        torch.tensor([[one, two] for one, two, _ in kept], dtype=torch.long).view(-1, 2),
        torch.tensor([[category(word)] for _, _, word in kept], dtype=torch.long).view(-1, 1),
        torch.zeros(len(kept), 0),
        torch.ones(len(kept), dtype=torch.bool),
        scene.names,
        title,
    )
