"""The command that finds which kinds of objects recur."""

from collections.abc import Sequence

from .given_paths import meant


def types_command(arguments: Sequence[str]) -> int:
    """`gestalt types RUN PATH…`."""
    from gestalt.core.runs.types.command import types
    from gestalt.core.runs.types.finding import Typing

    from .parse import parsed
    from .types_options import OnTypes

    asked = parsed(OnTypes, arguments, "types")
    return types(
        asked.run,
        meant(asked.paths, asked.run, asked.modality),
        asked.out,
        Typing(asked.by, asked.number, asked.scaling, asked.level, asked.sample, asked.seed),
        asked.like,
        asked.names,
        asked.skip_bad,
        asked.modality,
        asked.device,
        asked.precision,
    )
