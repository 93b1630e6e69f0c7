"""Blocks on a cluster of Ray."""

import importlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

from .block import Block
from .engine import AbstractEngine
from .work import Work
from .worker import Failed, Worker, Written


@final
@dataclass(frozen=True)
class RayEngine(AbstractEngine):
    """Actors of Ray Data (https://docs.ray.io), each with a CPU, or a GPU where the network runs on one.

    The cluster is the one that the program is connected to, else that of `RAY_ADDRESS` or of `ray start` on this
    machine, else one of this machine alone, which ends with the work.

    Attributes:
        workers: how many; 0 for as many as there are free devices.
    """

    workers: int = 0

    def run(self, work: Work, blocks: Sequence[Block]) -> Iterator[Written | Failed]:
        """See the class above.

        Raises:
            ImportError: if Ray is not installed.
            ValueError: if the cluster has no such device.
        """
        ray = _ray()
        own = not ray.is_initialized()
        if own:
            ray.init(include_dashboard=False)
        try:
            yield from self._run(ray, work, blocks)
        finally:
            if own:
                ray.shutdown()

    def _run(self, ray: Any, work: Work, blocks: Sequence[Block]) -> Iterator[Written | Failed]:
        needed = "GPU" if work.device.startswith("cuda") else "CPU"
        there = int(ray.cluster_resources().get(needed, 0))
        if not there:
            raise ValueError(f"the cluster of Ray has no {needed}; start workers with some, or choose another --device")
        count = min(self.workers or there, len(blocks))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # settings of its own that Ray Data looks up
            ray.data.DataContext.get_current().enable_progress_bars = False
            rows = ray.data.from_items([{"block": block} for block in blocks], override_num_blocks=len(blocks))
            done = rows.map(
                _Rows,
                fn_constructor_args=(work,),
                compute=ray.data.ActorPoolStrategy(size=count),
                **({"num_gpus": 1} if needed == "GPU" else {"num_cpus": 1}),
            )
            found = done.iter_rows()
        for row in found:
            yield row["done"]


@final
class _Rows:
    """A worker, for rows of Ray Data."""

    def __init__(self, work: Work) -> None:
        self.worker = Worker(work)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"done": self.worker(row["block"])}


def _ray() -> Any:
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise ImportError(
            f'--engine ray needs Ray, which cannot be imported here ({error}): pip install "gestalt-ssl[ray]"'
        ) from error
    return ray
