"""How many processes train together: as the options say, or as torchrun or SLURM started them."""

import os
from dataclasses import dataclass
from typing import final

from .options import Training


@final
@dataclass(frozen=True)
class Processes:
    """How many processes train together.

    Attributes:
        per_node: processes of each machine, one per device.
        nodes: machines.
        starter: what started them; nothing where this process starts the others of its machine itself.
    """

    per_node: int
    nodes: int
    starter: str = ""

    @classmethod
    def of(cls, options: Training) -> "Processes":
        """As many as were started, or as the options say.

        Raises:
            ValueError: if the options say something else than was started, ask for further machines with nobody who
                starts processes there, or for a batch that cannot be shared out.
        """
        started, asked = cls.started(), cls(options.devices, options.num_nodes)
        if started is None:
            if asked.nodes > 1:
                raise ValueError(
                    f"--num-nodes {asked.nodes}: the processes of several machines are started by torchrun (torchrun "
                    f"--nnodes {asked.nodes} --nproc-per-node {asked.per_node} … -m gestalt run …) or by SLURM's srun"
                )
            return asked
        said = (asked.per_node, asked.nodes)
        if said not in ((1, 1), (started.per_node, started.nodes)):
            raise ValueError(
                f"{started.starter} started {started.nodes} × {started.per_node} processes, and --num-nodes "
                f"{asked.nodes} --devices {asked.per_node} says otherwise; leave out both, or make them agree"
            )
        together = options.accumulate * started.per_node * started.nodes
        if options.batch % together:
            raise ValueError(
                f"--batch {options.batch} must be a multiple of --accumulate × all processes = {together}; choose "
                "another batch"
            )
        return started

    @classmethod
    def started(cls) -> "Processes | None":
        """What torchrun or SLURM says in the environment; None where this process was started by itself.

        Raises:
            ValueError: if machines have different numbers of processes.
        """
        found = os.environ
        if "TORCHELASTIC_RUN_ID" in found or {"LOCAL_WORLD_SIZE", "WORLD_SIZE", "RANK"} <= found.keys():
            return cls._even(int(found["WORLD_SIZE"]), int(found["LOCAL_WORLD_SIZE"]), "torchrun")
        # An interactive shell on a cluster has the variables of its allocation, but nobody starts further processes.
        if "SLURM_NTASKS" in found and found.get("SLURM_JOB_NAME") not in ("bash", "interactive"):
            count, nodes = int(found["SLURM_NTASKS"]), int(found.get("SLURM_NNODES", "1"))
            return cls._even(count, int(found.get("SLURM_NTASKS_PER_NODE", str(max(1, count // nodes)))), "SLURM")
        return None

    @classmethod
    def _even(cls, count: int, per_node: int, starter: str) -> "Processes":
        if count % per_node:
            raise ValueError(f"{starter} started {count} processes, {per_node} here: start as many on every machine")
        return cls(per_node, count // per_node, starter)
