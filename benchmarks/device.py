"""Steps per second and the share of a device's peak that training reaches: `python -m benchmarks.device --help`."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
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
from gestalt.core.components.precision import Precision
from gestalt.core.data.items import AbstractItems
from gestalt.core.data.view import Batch
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.presets import preset_named
from gestalt.core.networks.compiled import compile_encoders
from gestalt.core.optimization.progress import Progress
from gestalt.core.training.data import Order, batches
from gestalt.core.training.loop import build_optimizer
from gestalt.core.training.options import Training
from gestalt.modalities.image import Image
from gestalt.modalities.image.pretrained import vit

STEPS = 10**6  # a training whose end is never near
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
    rows, kept = [], dict[str, float]()
    with tempfile.TemporaryDirectory() as made:
        pictures(Path(made), options.batch)
        items = modality.read([Path(made)]).items
        batch = next(stream(modality, items, options, 0)).to(device)
        for encoder in options.encoders:
            for name, compiled in [(name, False) for name in options.methods] + [
                (name, True) for name in options.methods if options.compile
            ]:
                title = f"{name}, {encoder}" + (", compiled" if compiled else "")
                for precision in options.precisions:
                    step, operations = prepared(modality, encoder, name, precision, compiled, batch, options)
                    seconds = in_turn({title: partial(step, batch)}, options.repeats, device)[title]
                    spread = Spread.of(seconds)
                    rate = operations / spread.median
                    waits = ""
                    if options.workers:
                        waits = (
                            f"{waiting(step, stream(modality, items, options, options.workers), options, device):.0%}"
                        )
                    if options.profile:
                        print(profiled(step, batch), flush=True)
                    per_second = 1 / spread.median
                    rows.append([title, precision, Spread.of([1000 * one for one in seconds]).show(1)])
                    rows[-1] += [f"{per_second:.2f}", f"{options.batch * per_second:.0f}", f"{rate / 1e12:.1f}"]
                    rows[-1] += [f"{rate / peaks[precision]:.0%}", waits]
                    kept[f"{title}, {precision}: peak over what is reached"] = peaks[precision] / rate
                    print(" | ".join(rows[-1]), flush=True)
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


Step = Callable[[Batch[Any]], object]


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
    optimizer = build_optimizer(learner, replace(Training(), lr=1e-4))
    done = 0

    def step(given: Batch[Any]) -> None:
        nonlocal done
        with fabric.autocast():
            output = learner(given, torch.Generator().manual_seed(done), Progress(done, STEPS, 100))
        torch.autograd.backward(output.loss)
        optimizer.step()
        optimizer.zero_grad()
        done += 1
        learner.after_step([output], Progress(done, STEPS, 100))

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


def waiting(step: Step, source: Iterator[Batch[Any]], options: Options, device: torch.device) -> float:
    """The share of a training's time in which the main process waits for views."""
    waited, began, filled = 0.0, 0.0, 4
    for number in range(filled + options.repeats):
        if number == filled:
            waited, began = 0.0, now(device)
        asked = now(device)
        batch = next(source)
        waited += now(device) - asked
        step(batch.to(device))
    return waited / (now(device) - began)


if __name__ == "__main__":
    main(tyro.cli(Options))
