"""What a finished run says of itself: `config.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, final

from ..storage.atomic import write_text
from ..storage.damage import json_of
from ..storage.names_of_runs import CONFIG


@final
@dataclass(frozen=True)
class RunConfig:
    """Everything that the weights of a run need beside them, as JSON.

    Attributes:
        modality: its name (or `package.module:OBJECT`) and its settings.
        encoder: its name in the modality and its settings.
        heads: every head by name, as `describe` gives it; None for the identity.
        finder: how objects are found.
        target: what the task head predicts; None where there is none.
        method: what the run was trained with; None where nobody wrote it down.
        recipe: the recipe that made the run.
        details: the recipe's own.
    """

    modality: Mapping[str, Any]
    encoder: Mapping[str, Any]
    heads: Mapping[str, Any] = field(default_factory=dict)
    finder: Mapping[str, Any] | None = None
    target: Mapping[str, Any] | None = None
    method: Mapping[str, Any] | None = None
    recipe: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write `config.json`."""
        write_text(folder / CONFIG, json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "RunConfig":
        """Read `config.json`.

        Raises:
            FileNotFoundError: if the folder is no finished run.
            ValueError: if the file is damaged.
        """
        path = folder / CONFIG
        if not path.is_file():
            raise FileNotFoundError(
                f"{folder} holds no {CONFIG}: it is not the folder of a finished run; "
                "finish the run first (the same command with --resume), or name another folder"
            )
        try:
            found = cls(**json_of(path))
            named = (
                found.modality["name"],
                found.modality["settings"],
                found.encoder["name"],
                found.encoder["settings"],
            )
            if not all(isinstance(part, str | Mapping) for part in named):
                raise TypeError(f"names and settings are {named}")
            if not isinstance(found.heads, Mapping) or not isinstance(found.finder, Mapping | None):
                raise TypeError(f"heads and finder are {found.heads} and {found.finder}")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged or was written by another version: {error!r}") from error
        return found
