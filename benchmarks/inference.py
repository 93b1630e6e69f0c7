"""Throughput of `embed`, `discover` and `predict` against the bare encoder: `python -m benchmarks.inference --help`."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
import tyro

from benchmarks.measuring import Spread, in_turn, machine, ratios, report
from gestalt.core.data.items import AbstractItems, read_item
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.modality.optional import InfersEncoderSettings, ReadsContext
from gestalt.core.modality.plugins import load_modality
from gestalt.core.modality.sight import sight_of
from gestalt.core.modality.windows import Sight
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.modes import evaluating
from gestalt.core.runs.model import Model
from gestalt.core.runs.windows import of_like_size

READ, BARE, ENCODED, FOUND = "reading", "bare encoder", "encoding", "finding objects"


@final
@dataclass(frozen=True)
class Options:
    """All items of some files through a network: read, encoded in batches as `embed` does it, and with the objects of
    `discover`; beside the bare encoder on batches that lie in memory, sorted by size.
    """

    modalities: tuple[str, ...] = ("audio", "image", "text", "graph")
    """Which of them."""
    items: int = 192
    """Items: recordings of 4 s, pictures of 48 to 96 pixels a side, passages of 4 to 120 words, molecules of 5 to 60
    atoms."""
    batch: int = 16
    """Items that are encoded at once."""
    repeats: int = 7
    """Rounds; in each of them everything takes its turn."""
    threads: int = 1
    """CPU threads."""
    device: str = "cpu"
    """Where the networks run."""
    out: Path | None = None
    """JSON file for the numbers."""


ENCODERS = {"audio": "conv", "image": "resnet18", "text": "transformer", "graph": "gin"}


def main(options: Options) -> None:
    """Measure and print."""
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    rows, kept = [], dict[str, float]()
    for name in options.modalities:
        with tempfile.TemporaryDirectory() as folder:
            seconds = in_turn(tasks(name, Path(folder), options), options.repeats, device, warm_up=1)
        encoding = [all_of - read for all_of, read in zip(seconds[ENCODED], seconds[READ], strict=True)]
        over, finding = ratios(encoding, seconds[BARE]), ratios(seconds[FOUND], seconds[ENCODED])
        kept[f"{name}: encoding over the bare encoder"] = over.median
        rate = [options.items / value for value in seconds[ENCODED]]
        rows.append(
            [
                f"{name}, {ENCODERS[name]}",
                *(Spread.of([1000 * one / options.items for one in seconds[part]]).show() for part in (READ, BARE)),
                over.show(),
                finding.show(),
                Spread.of(rate).show(0),
            ]
        )
    heading = [
        "modality, encoder",
        "reading, ms an item",
        "bare encoder, ms an item",
        "encoding / bare encoder",
        "reading, encoding and finding / reading and encoding",
        "items a second, read and encoded",
    ]
    facts = machine(device) | {"items": options.items, "batch": options.batch, "repeats": options.repeats}
    report("Items of files through a network", heading, rows, facts, options.out, kept)


def tasks(name: str, folder: Path, options: Options) -> dict[str, Callable[[], object]]:
    """What takes turns: reading alone, the bare encoder, reading and encoding, and finding objects with it."""
    modality = load_modality(name)
    WRITERS[name](folder, options.items)
    items = modality.read([folder]).items
    encoder = ENCODERS[name]
    settings = modality.encoder_settings(encoder, items) if isinstance(modality, InfersEncoderSettings) else {}
    torch.manual_seed(0)
    network = Network(modality.encoders[encoder](**settings)).eval()
    model = Model(modality, network, {}, None, batch=options.batch).to(options.device)
    finding = replace(model, finder=ObjectFinder(KMeans(4)))
    everything = [read_item(items, index, np.random.default_rng(0)) for index in range(len(items))]
    batches = of_like_size(modality, everything, options.batch)
    ready = [modality.collate([everything[place] for place in some]).to(model.device) for some in batches]
    return {
        READ: partial(read_all, items, sight_of(network, None, modality.collate, items)),
        BARE: partial(encode_all, network, ready),
        ENCODED: partial(take_all, model, items),
        FOUND: partial(take_all, finding, items),
    }


def read_all(items: AbstractItems[Any], sight: Sight) -> None:
    """Read every item once, with what lies around it where items are read so."""
    for index in range(len(items)):
        if isinstance(items, ReadsContext):
            items.read_in_context(index, sight)
        else:
            read_item(items, index, np.random.default_rng(0))


def encode_all(network: Network, ready: list[Any]) -> None:
    """The bare encoder over batches that are on its device."""
    with evaluating(network):
        for data in ready:
            network.encode(data.to(next(network.parameters()).device))


def take_all(model: Model[Any], items: AbstractItems[Any]) -> None:
    """What `embed` and `discover` write."""
    for _ in model.encoded(items):
        pass


def write_audio(folder: Path, count: int) -> None:
    """Recordings of 4 s."""
    import soundfile

    rng = np.random.default_rng(0)
    for number in range(count):
        soundfile.write(folder / f"{number:04d}.wav", 0.1 * rng.standard_normal(64_000), 16_000)


def write_image(folder: Path, count: int) -> None:
    """Pictures of many sizes."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(count):
        height, width = rng.integers(48, 97, 2)
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(folder / f"{number:04d}.png")


def write_text(folder: Path, count: int) -> None:
    """Passages of many lengths, one a line."""
    rng = np.random.default_rng(0)
    known = np.array(["the", "old", "river", "runs", "slowly", "under", "a", "wooden", "bridge", "and", "sings"])
    lines = [" ".join(known[rng.integers(len(known), size=rng.integers(4, 121))]) for _ in range(count)]
    (folder / "passages.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_graph(folder: Path, count: int) -> None:
    """Chains and rings of many sizes."""
    rng = np.random.default_rng(0)
    lines = ["C" * int(rng.integers(0, 50)) + "c1ccccc1" for _ in range(count)]
    (folder / "molecules.smi").write_text("\n".join(lines) + "\n", encoding="utf-8")


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "audio": write_audio,
    "image": write_image,
    "text": write_text,
    "graph": write_graph,
}


if __name__ == "__main__":
    main(tyro.cli(Options))
