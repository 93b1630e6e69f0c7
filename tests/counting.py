"""Calls counted by the file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


class Counted:
    """A function that counts its calls by the file."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.paths: list[Path] = []

    def __call__(self, path: Path, *arguments: Any) -> Any:
        self.paths.append(path)
        return self.function(path, *arguments)
