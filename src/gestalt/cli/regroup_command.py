"""The command that finds objects by clusters over a whole data set."""

from collections.abc import Sequence

from .given_paths import meant


def regroup_command(arguments: Sequence[str]) -> int:
    """`gestalt regroup RUN PATH…`."""
    from gestalt.core.runs.regroup import regroup

    from .parse import parsed
    from .regroup_options import OnClusters

    asked = parsed(OnClusters, arguments, "regroup")
    paths = meant(asked.paths, asked.run, asked.modality)
    return regroup(asked.run, paths, asked.out, asked.how, asked.skip_bad, asked.modality, asked.device)
