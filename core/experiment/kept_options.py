"""The options of a recipe in the run's folder, whole, so that a report can be made anew."""

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, final, get_args, get_origin, get_type_hints

from ..components.description import Encoders, build, describe
from ..storage.atomic import write_text
from ..storage.damage import json_of, read_or_name
from ..storage.names_of_runs import KEPT_OPTIONS
from .recipe import AbstractRecipe


@final
@dataclasses.dataclass(frozen=True)
class KeptOptions:
    """Which recipe made a run, with what options, and in which working folder its paths began."""

    recipe: str
    options: Mapping[str, Any]
    began_in: Path

    @classmethod
    def of(cls, recipe: AbstractRecipe[Any, Any]) -> "KeptOptions":
        """Those of a recipe.

        Raises:
            TypeError: if a part of the options is not installed under a name.
        """
        return cls(recipe.name, described(recipe.options, recipe.modality.encoders), Path(os.getcwd()))

    def write(self, folder: Path) -> None:
        """Write `recipe.json`."""
        kept = {"recipe": self.recipe, "began_in": str(self.began_in), "options": self.options}
        write_text(folder / KEPT_OPTIONS, json.dumps(kept, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "KeptOptions":
        """What a run keeps.

        Raises:
            FileNotFoundError: if it keeps nothing, with what to do instead.
            ValueError: if the file is damaged.
        """
        path = folder / KEPT_OPTIONS
        advice = "repeat the command that made the run, with --resume: it trains no further, and makes the report anew"
        if not path.is_file():
            raise FileNotFoundError(
                f"{folder} does not say how its report was made (it has no {KEPT_OPTIONS}); {advice}"
            )
        return read_or_name(path, lambda _: cls._of(json_of(path)), advice)

    @classmethod
    def _of(cls, kept: Any) -> "KeptOptions":
        return cls(str(kept["recipe"]), dict(kept["options"]), Path(kept["began_in"]))


def described(value: Any, encoders: Encoders) -> Any:
    """Options as JSON: components with their types, and other dataclasses as their fields.

    Raises:
        TypeError: if a part is not installed under a name.
    """
    try:
        return describe(value, encoders)
    except TypeError:
        if not dataclasses.is_dataclass(value):
            raise
        return {one.name: described(getattr(value, one.name), encoders) for one in dataclasses.fields(value)}


def restored(kind: Callable[..., Any], kept: Mapping[str, Any], encoders: Encoders) -> Any:
    """A dataclass of options out of what `described` gave.

    Raises:
        ValueError: if it is not what this version takes.
    """
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], value, encoders) for name, value in kept.items() if name in hints})


def _value(hint: Any, value: Any, encoders: Encoders) -> Any:
    inner = next((part for part in (hint, *get_args(hint)) if dataclasses.is_dataclass(part)), None)
    if isinstance(value, Mapping) and "type" not in value and isinstance(inner, type):
        return restored(inner, value, encoders)
    if isinstance(value, str) and Path in (hint, *get_args(hint)):
        return Path(value)
    if isinstance(value, list) and get_origin(hint) is tuple and Path in get_args(hint):
        return tuple(map(Path, value))
    return build(value, encoders)
