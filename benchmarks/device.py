"""Steps per second and the share of a device's peak that training reaches: `python -m benchmarks.device --help`."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, final

import torch
import tyro
from lightning_fabric import Fabric
from torch.profiler import profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.large_sets import pictures
from benchmarks.measuring import Spread, in_turn, machine, now, report
from benchmarks.steps import STEPS, step_of, waiting
from gestalt.core.components.precision import Precision
from gestalt.core.data.items import AbstractItems
from gestalt.core.data.view import Batch
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.presets import preset_named
from gestalt.core.networks.compiled import compile_encoders
from gestalt.core.training.data import Order, batches
from gestalt.core.training.options import Training
from gestalt.modalities.image import Image
from gestalt.modalities.image.pretrained import vit

HEADING = ["step", "precision", "ms: median (quartiles)", "steps/s", "items/s", "TFLOP/s", "share of the peak", "waits"]
Encoder = Literal["resnet50", "vit-s16"]
VIT_S16 = {
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 6,
    "intermediate_size": 1536,
    "patch_size": 16,
}


@final
@dataclass(frozen=True)
class Options:
    """Whole training steps of BYOL and Odin with a ResNet-50 and a ViT-S/16, on one device.

    The floating-point operations of a step are those of its matrix products, convolutions and attention, forwards and
    backwards, counted as it runs; the peak is what one large matrix product reaches on the same device and at the same
    precision, in this run. With --workers, every step also says which share of a training it would wait for views.
    """

    device: str = "cuda"
    """Where the networks run."""
    encoders: tuple[Encoder, ...] = ("resnet50", "vit-s16")
    """The networks."""
    methods: tuple[str, ...] = ("byol", "odin")
    """Methods, by their names."""
    precisions: tuple[Precision, ...] = ("32-true", "bf16-mixed")
    """Arithmetic of the networks."""
    compile: bool = False
    """Measure every step with compiled encoders, too."""
    batch: int = 128
    """Pictures per step."""
    size: int = 224
    """Their height and width, in pixels."""
    repeats: int = 12
    """Steps that are timed."""
    workers: int = 0
    """Processes that make views while steps are taken; 0 measures steps alone."""
    profile: bool = False
    """Print, for every step, which operations the device's time goes to."""
    square: int = 8192
    """Rows and columns of the matrices whose product is the peak."""
    out: Path | None = None
    """JSON file for the numbers."""


def main(options: Options) -> None:
    """Measure and print."""
    device = torch.device(options.device)
    modality = Image(size=options.size)
    facts = machine(device)
    peaks = {one: peak(options.square, one, device) for one in options.precisions}
    rows, kept = list[list[str]](), dict[str, float]()
    with tempfile.TemporaryDirectory() as made:
        pictures(Path(made), options.batch)
        items = modality.read([Path(made)]).items
        batch = next(stream(modality, items, options, 0)).to(device)
        shown = (False, True) if options.compile else (False,)
        kinds = itertools.product(options.encoders, shown, options.methods, options.precisions)
        for encoder, compiled, name, precision in kinds:
            title = f"{name}, {encoder}" + (", compiled" if compiled else "")
            step, operations = prepared(modality, encoder, name, precision, compiled, batch, options)
            seconds = in_turn({title: partial(step, batch)}, options.repeats, device)[title]
            waits = ""
            if options.workers:
                source = stream(modality, items, options, options.workers)
                waits = f"{waiting(step, source, options.repeats, device):.0%}"
            if options.profile:
                print(profiled(step, batch), flush=True)
            per_second = 1 / Spread.of(seconds).median
            rate = operations * per_second
            row = [title, precision, Spread.of([1000 * one for one in seconds]).show(1), f"{per_second:.2f}"]
            row += [f"{options.batch * per_second:.0f}", f"{rate / 1e12:.1f}", f"{rate / peaks[precision]:.0%}", waits]
            rows.append(row)
            kept[f"{title}, {precision}: peak over what is reached"] = peaks[precision] / rate
            print(" | ".join(row), flush=True)
    found = {f"peak {one}, TFLOP/s": round(value / 1e12, 1) for one, value in peaks.items()}
    title = f"Steps of {options.batch} pictures of {options.size} × {options.size} pixels"
    report(title, HEADING, rows, facts | found | {"workers": options.workers}, options.out, kept)


def peak(square: int, precision: Precision, device: torch.device) -> float:
    """Floating-point operations per second of a large matrix product; in float32 as convolutions have it (TF32)."""
    dtype = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(precision, torch.float32)
    left, right = (torch.randn(square, square, device=device, dtype=dtype) for _ in range(2))
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if device.type == "cuda" else before)
    try:
        seconds = in_turn({"": lambda: left @ right}, 10, device)[""]
    finally:
        torch.set_float32_matmul_precision(before)
    return 2 * square**3 / Spread.of(seconds).median


Step = Callable[[Batch[Any]], None]


def prepared(
    modality: Image,
    encoder: Encoder,
    method: str,
    precision: Precision,
    compiled: bool,
    batch: Batch[Any],
    options: Options,
) -> tuple[Step, int]:
    """A whole step as training takes it, and how many floating-point operations it has."""
    device = batch.index.device
    fabric = Fabric(accelerator=device.type, devices=1, precision=precision)
    network = vit(VIT_S16 | {"image_size": options.size}) if encoder == "vit-s16" else modality.encoders[encoder]()
    learner = preset_named(method).method.build(network, DataInfo(batch=options.batch)).to(device).train()
    step = step_of(learner, Training(lr=1e-4), fabric.autocast)
    with FlopCounterMode(display=False) as counted:
        step(batch)
    if compiled:
        compile_encoders(learner, device)
    return step, counted.get_total_flops()


def profiled(step: Step, batch: Batch[Any]) -> str:
    """The operations that three steps take most of the device's time for."""
    with profile() as seen:
        for _ in range(3):
            step(batch)
        now(batch.index.device)
    kind = "cpu" if batch.index.device.type == "cpu" else "device"
    found: str = seen.key_averages().table(sort_by=f"self_{kind}_time_total", row_limit=20, max_name_column_width=60)
    return found


def stream(modality: Image, items: AbstractItems[Any], options: Options, workers: int) -> Iterator[Batch[Any]]:
    """Batches as training gets them."""
    order = Order(len(items), options.batch, STEPS, seed=0)
    return batches(items, modality.views, modality.collate, order, workers, False)


if __name__ == "__main__":
    main(tyro.cli(Options))
