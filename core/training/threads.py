"""How many threads the main process computes with."""

import os

THREADS = "OMP_NUM_THREADS"
"""The variable by which users say it."""


def threads_of(asked: int | None, processes: int, workers: int) -> int:
    """As many as are asked for; else as OMP_NUM_THREADS says; else the cores that workers leave to each process.

    Cores are those that this process may use: its affinity and the quota of a container count. What torchrun writes
    into OMP_NUM_THREADS (1, whatever there is) is no wish of anybody, and does not count.

    Args:
        asked: the option; None: not asked.
        processes: that share the machine.
        workers: that read and transform for each of them.

    Example:
        >>> threads_of(3, processes=1, workers=1)
        3
    """
    if asked is not None:
        return asked
    said = os.environ.get(THREADS, "").split(",")[0].strip()  # several are those of nested regions
    if said.isdecimal() and int(said) > 0 and "TORCHELASTIC_RUN_ID" not in os.environ:
        return int(said)
    from joblib import cpu_count  # type: ignore[import-untyped]

    # Threads that share a core with a worker do not share the work, they wait for one another many times a step.
    return max(1, int(cpu_count()) // processes - workers)
