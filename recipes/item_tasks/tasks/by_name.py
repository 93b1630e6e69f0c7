"""Tasks by name; only the modality of the one that is asked for is imported."""

from typing import Literal

from ..task import Part, Task

Name = Literal[
    "key-words",
    "phones",
    "speakers",
    "actions",
    "scene-graphs",
    "scene-objects",
    "point-shapes",
    "texts",
    "passages",
    "bodies",
]


def load(name: Name, seed: int, part: Part, scale: float) -> Task:
    """A task by its name.

    Args:
        name: of the task.
        seed: the items to learn from follow from it; those that are asked about are the same for every seed.
        part: which are asked about.
        scale: items and steps as a share of those of the table.
    """
    match name:
        case "key-words":
            from .key_words import key_words

            return key_words(seed, part, scale)
        case "phones":
            from .phones import phones

            return phones(seed, part, scale)
        case "speakers":
            from .speakers import who_speaks

            return who_speaks(seed, part, scale)
        case "actions":
            from .actions import actions

            return actions(seed, part, scale)
        case "scene-graphs":
            from .scene_graphs import kinds_of_scenes

            return kinds_of_scenes(seed, part, scale)
        case "scene-objects":
            from .scene_graphs import hidden_objects

            return hidden_objects(seed, part, scale)
        case "point-shapes":
            from .point_shapes import point_shapes

            return point_shapes(seed, part, scale)
        case "texts":
            from .texts import kinds_of_texts

            return kinds_of_texts(seed, part, scale)
        case "passages":
            from .passages import alike

            return alike(seed, part, scale)
        case "bodies":
            from .bodies import gestures

            return gestures(seed, part, scale)
