"""How to train."""

from dataclasses import dataclass
from typing import Literal, final


@final
@dataclass(frozen=True)
class Training:
    """Options of the training loop, the same for every method and every kind of data."""

    steps: int = 1000
    """Optimiser steps in all."""
    batch: int = 32
    """Items per step, over all devices and accumulated parts."""
    optimizer: Literal["adamw", "lars"] = "adamw"
    """AdamW for small batches, LARS for large ones."""
    lr: float = 1e-3
    """Peak learning rate. For LARS the published rates are per 256 items: multiply by batch / 256."""
    weight_decay: float = 1e-4
    """Weight decay; biases and normalisation layers are never decayed."""
    warmup: int = 50
    """Steps of linear warm-up; then the learning rate falls to 0 along a half cosine."""
    clip: float | None = 5.0
    """Greatest norm of the gradient; None never clips."""
    labelled: float = 0.0
    """Share of labelled items in every step, where there are labels; 0 takes items as they come."""
    accumulate: int = 1
    """Parts into which a batch is split so that it fits into memory. Negatives come from within a part."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    """Arithmetic of the networks; losses are always in float32."""
    accelerator: str = "auto"
    """cpu, cuda, mps or auto."""
    devices: int = 1
    """Devices, one process each."""
    workers: int = 1
    """Processes per device that read items and make views; 0 does it in the main process."""
    threads: int | None = None
    """CPU threads of the main process; None takes the cores that the workers leave."""
    seed: int = 0
    """Everything random follows from it: the same seed gives the same run with any number of workers."""
    log_every: int = 10
    """Steps between two rows of metrics."""
    checkpoint_every: int = 100
    """Steps between two checkpoints."""

    def __post_init__(self) -> None:
        positive = ("steps", "batch", "accumulate", "devices", "log_every", "checkpoint_every")
        for name in positive:
            if getattr(self, name) < 1:
                raise ValueError(f"--{name.replace('_', '-')} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.labelled < 1:
            raise ValueError(f"--labelled must lie in [0, 1), got {self.labelled}")
        if self.batch % (self.accumulate * self.devices):
            raise ValueError(
                f"--batch {self.batch} must be a multiple of --accumulate × --devices = "
                f"{self.accumulate * self.devices}; choose another batch"
            )
