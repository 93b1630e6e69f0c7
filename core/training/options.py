"""How to train."""

from dataclasses import dataclass
from typing import Annotated, Literal, final

from ..components.precision import FULL, Precision
from ..components.ranges import Between, Count, CountOrNone, Positive, Weight, check_ranges
from .loggers import LoggerName


@final
@dataclass(frozen=True)
class Training:
    """Options of the training loop, the same for every method and every modality."""

    steps: Count = 1000
    """Optimiser steps in all."""
    batch: Annotated[int, Between(1, 1_000_000)] = 32
    """Items per step, over all devices and accumulated parts."""
    optimizer: Literal["adamw", "lars"] = "adamw"
    """AdamW for small batches, LARS for large ones."""
    lr: Positive = 1e-3
    """Peak learning rate. For LARS the published rates are per 256 items: multiply by batch / 256."""
    weight_decay: Weight | None = None
    """Weight decay; none: 1e-4 for AdamW, 1.5e-6 for LARS. Biases and normalisation layers are never decayed."""
    warmup: CountOrNone = 50
    """Steps of linear warm-up; then the learning rate falls to 0 along a half cosine."""
    clip: Positive | None = 5.0
    """Greatest norm of the gradient; none never clips."""
    labelled: Annotated[float, Between(0.0, 1.0, open_above=True)] = 0.0
    """Share of labelled items in every step, where there are labels; 0 takes items as they come."""
    accumulate: Annotated[int, Between(1, 10_000)] = 1
    """Parts into which a batch is split so that it fits into memory. Negatives come from within a part."""
    precision: Precision = FULL
    """Arithmetic of the networks; losses are always in float32."""
    compile: bool = False
    """Compile whole encoders with torch.compile: the first steps take a minute or more, later ones may be faster. Where
    elements are hidden between an encoder's two steps (masked prediction, next-element prediction) nothing is."""
    accelerator: str = "auto"
    """cpu, cuda, mps or auto."""
    devices: Annotated[int, Between(1, 1024)] = 1
    """Devices of this machine, one process each; with torchrun or SLURM, as many as these start."""
    num_nodes: Annotated[int, Between(1, 65_536)] = 1
    """Machines, whose processes torchrun or SLURM starts."""
    strategy: Literal["auto", "ddp", "fsdp"] = "auto"
    """How processes share the work: each has the whole network (ddp, and auto where there are several), or a piece of
    every encoder (fsdp), which saves memory and sends more."""
    workers: Annotated[int, Between(0, 1024)] = 1
    """Processes per device that read items and make views; 0 does it in the main process."""
    threads: Annotated[int, Between(1, 4096)] | None = None
    """CPU threads of the main process; None: as OMP_NUM_THREADS says, or else the cores that the workers leave."""
    kept_items: Annotated[float, Between(0.0, 1e6)] = 0.0
    """Gigabytes of the run's folder for decoded items (shrunk pictures, resampled windows) until training is over: each
    is decoded once, not in every epoch. 0 keeps none."""
    batch_transforms: bool = False
    """Make the last transforms of views to whole batches on the device, where they can be (colours, blur of pictures):
    for a device that waits for its workers. Views are the same but for rounding."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Everything random follows from it: the same seed gives the same run with any number of workers."""
    log_every: Count = 10
    """Steps between two rows of metrics."""
    checkpoint_every: Count = 100
    """Steps between two checkpoints."""
    logger: LoggerName = "tensorboard"
    """Where curves go beside metrics.csv: tensorboard, wandb or mlflow, if it is installed; csv for nowhere."""

    def __post_init__(self) -> None:
        check_ranges(self)
        together = self.accumulate * self.devices * self.num_nodes
        if self.batch % together:
            several = " × --num-nodes" if self.num_nodes > 1 else ""
            raise ValueError(
                f"--batch {self.batch} must be a multiple of --accumulate × --devices{several} = {together}; "
                "choose another batch"
            )

    @property
    def decay(self) -> float:
        """The weight decay that is used."""
        published = 1.5e-6 if self.optimizer == "lars" else 1e-4
        return published if self.weight_decay is None else self.weight_decay
