"""An archive in blocks: what workers encode is what one process writes, whoever of them is lost."""

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pyarrow.parquet
import pytest
import ray
import soundfile
from PIL import Image as Pillow

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.optional import InfersEncoderSettings
from gestalt.core.runs.blocks.block import Block, blocks_of
from gestalt.core.runs.blocks.engine import AbstractEngine
from gestalt.core.runs.blocks.part_file import UNFINISHED, LeftOut, read_part, write_part
from gestalt.core.runs.blocks.ray_engine import RayEngine
from gestalt.core.runs.blocks.shared import Sharing
from gestalt.core.runs.blocks.work import Work
from gestalt.core.runs.blocks.worker import Failed, Worker, Written
from gestalt.core.runs.discover import discover
from gestalt.core.runs.embed import embed
from gestalt.core.runs.inputs import InMemory
from gestalt.core.runs.output_folder import BLOCKS
from gestalt.core.runs.predict import predict
from gestalt.modalities.audio import Audio
from gestalt.modalities.graph import GraphModality
from gestalt.modalities.image import Image
from tests.implementations import ITEMS
from tests.recordings import BAD, RATE, song, write_awkward, write_torn
from tests.test_saving import MODALITY, model
from tests.tiny_runs import tiny_run

COMMANDS: dict[str, Callable[..., int]] = {"discover": discover, "embed": embed, "predict": predict}


@final
@dataclass
class InTurn(AbstractEngine):
    """One worker in this process, the last block first, which is killed before it has done `lives` of them."""

    lives: int = 1000
    did: int = 0

    def run(self, work: Work, blocks: Sequence[Block]) -> Iterator[Written | Failed]:
        worker = Worker(work)
        for block in reversed(blocks):
            if self.did == self.lives:
                raise KeyboardInterrupt
            self.did += 1
            yield worker(block)


def recordings(folder: Path) -> AbstractModality[Any]:
    """Long and short ones in windows of a second, files that are none, and windows that cannot be read."""
    folder.mkdir()
    write_awkward(folder)
    for seconds in (17.5, 20.0):
        soundfile.write(folder / f"{seconds}.wav", song(seconds, 500 + 10 * seconds), RATE)
    write_torn(folder / "10 torn.wav", 15.2, 15.8, 54.5)  # the last is read by the next block, too
    return Audio(seconds=1.0)


def pictures(folder: Path) -> AbstractModality[Any]:
    """More pictures than a batch holds, of several sizes, and one file that is none."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(20):
        pixels = rng.integers(0, 255, (24 + number, 40, 3), dtype=np.uint8)
        Pillow.fromarray(pixels).resize((48, 40 + number)).save(folder / f"{number:02d}.png")
    (folder / "07.png").write_text("no picture")
    return Image()


def networks(folder: Path) -> AbstractModality[Any]:
    """Large networks in windows that share nodes."""
    folder.mkdir()
    for number in range(9):
        lines = [f"n{node} n{(node + step) % 40}" for node in range(40) for step in (1, 2, 3 + number)]
        (folder / f"{number}.edgelist").write_text("\n".join(lines) + "\n")
    return GraphModality(most=2)


def points(folder: Path) -> AbstractModality[Any]:
    """Items of a modality that is not installed, one of them bad."""
    folder.mkdir()
    for number, item in enumerate(ITEMS["points"](40)):
        (folder / f"{number:02d}.txt").write_text("\n".join(" ".join(map(repr, row)) for row in item.tolist()))
    (folder / "31.txt").write_text("no numbers")
    return MODALITY


CASES = {
    "sound, discover": (recordings, "discover"),
    "sound, embed": (recordings, "embed"),
    "pictures, discover": (pictures, "discover"),
    "networks, embed": (networks, "embed"),
    "points, predict": (points, "predict"),
    "points, embed": (points, "embed"),
}


def prepared(name: str, there: Path) -> tuple[Callable[..., int], AbstractModality[Any]]:
    """The command of a case with its data and its run in a folder, and the modality."""
    data, command = CASES[name]
    modality = data(there / "data")
    if modality is MODALITY:
        gestalt.save(there / "run", model(target=True), "small")
    else:
        items = modality.read([there / "data"], skip_bad=True).items
        encoder = "gine" if modality.name == "graph" else "conv"
        settings = modality.encoder_settings(encoder, items) if isinstance(modality, InfersEncoderSettings) else {}
        tiny_run(there / "run", modality, encoder, 2, **settings)
    return COMMANDS[command], modality


def contents(out: Path) -> dict[str, Any]:
    """Every file with what it holds: tables as columns, since their order within a file of theirs may differ."""
    found = dict[str, Any]()
    for path in sorted(out.rglob("*")):
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                found[path.name] = {name: arrays[name].tolist() for name in arrays.files}
        elif path.suffix == ".parquet":
            found[path.name] = pyarrow.parquet.read_table(path).to_pydict()
        elif path.is_file() and not path.name.startswith("."):
            found[str(path.relative_to(out))] = path.read_bytes()
    return found


@pytest.mark.parametrize("name", CASES)
def test_blocks_come_to_what_one_process_writes(name: str, tmp_path: Path) -> None:
    command, modality = prepared(name, tmp_path)
    paths = [tmp_path / "data"]
    assert command(tmp_path / "run", paths, tmp_path / "one", True, modality) == 0
    engine = InTurn()
    assert command(tmp_path / "run", paths, tmp_path / "many", True, modality, sharing=Sharing(engine, 4)) == 0
    assert engine.did > 1, "several blocks"
    one, many = contents(tmp_path / "one"), contents(tmp_path / "many")
    assert list(one) == list(many)
    for file, content in one.items():
        assert many[file] == content, file
    assert not (tmp_path / "many" / BLOCKS).exists(), "what nobody needs any more is gone"


def test_a_call_that_was_stopped_goes_on_with_the_blocks_that_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, modality = prepared("sound, embed", tmp_path)
    arguments = (tmp_path / "run", [tmp_path / "data"], tmp_path / "out", True, modality)
    with pytest.raises(KeyboardInterrupt):
        command(*arguments, sharing=Sharing(InTurn(lives=2), 4))
    assert not (tmp_path / "out" / "items.parquet").exists()
    manifest = tmp_path / "out" / BLOCKS / "manifest.jsonl"
    with manifest.open("a") as file:
        file.write('{"number": 0, "si')  # a line that a kill has cut
    again = InTurn()
    assert command(*arguments, sharing=Sharing(again, 4)) == 0
    said = capsys.readouterr()
    total = int(said.err.split(" blocks are done")[0].rsplit(" ", 1)[1])
    assert f"going on: 2 of {total} blocks are done" in said.err
    assert again.did == total - 2
    skipped = (tmp_path / "out" / "skipped.txt").read_text().splitlines()
    assert f"; {len(skipped)} left out" in said.out
    assert len(skipped) == len(set(skipped)) == len(BAD) + 2, "every bad file and window once"


def test_blocks_of_other_work_or_of_changed_files_are_computed_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, modality = prepared("sound, embed", tmp_path)
    out = tmp_path / "out"
    arguments = (tmp_path / "run", [tmp_path / "data"], out, True, modality)
    with pytest.raises(KeyboardInterrupt):
        command(*arguments, sharing=Sharing(InTurn(lives=3), 4))
    soundfile.write(tmp_path / "data" / "20.0.wav", song(20.0, 900.0), RATE)
    with pytest.raises(KeyboardInterrupt):
        command(*arguments, sharing=Sharing(InTurn(lives=3), 4))
    assert "computed anew" in capsys.readouterr().err
    part = next((out / BLOCKS).glob("block-*"))
    part.write_bytes(part.read_bytes()[:-5])
    engine = InTurn()
    assert command(*arguments, sharing=Sharing(engine, 4)) == 0
    total = int(capsys.readouterr().err.split("going on: 2 of ")[1].split(" ")[0])
    assert engine.did == total - 2, "what is cut is done again"
    command(*arguments[:2], tmp_path / "one", *arguments[3:])
    assert contents(out) == contents(tmp_path / "one")


def test_a_bad_item_ends_the_call_without_skip_bad_and_is_named(tmp_path: Path) -> None:
    command, modality = prepared("points, predict", tmp_path)
    with pytest.raises(BadItemError, match=r"31\.txt: .*"):
        command(tmp_path / "run", [tmp_path / "data"], tmp_path / "out", False, modality, sharing=Sharing(InTurn(), 4))


def test_a_worker_that_sees_other_files_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where the worker goes, in a process of its own otherwise
    _, modality = prepared("points, predict", tmp_path)
    paths, folder = (tmp_path / "data",), tmp_path / "blocks"
    folder.mkdir()
    work = Work(tmp_path / "run", paths, True, modality, "cpu", "32-true", False, True, True, tmp_path, folder)
    block = blocks_of(modality.read(paths, skip_bad=True).items, 16, 16)[1]
    (tmp_path / "data" / "00.txt").unlink()
    done = Worker(work)(block)
    assert isinstance(done, Failed)
    with pytest.raises(ValueError, match=r"does not see the same files: items 16 to 31 are .*16\.txt to .*"):
        raise done.error


def test_a_part_file_that_is_cut_is_named(tmp_path: Path) -> None:
    size = write_part(tmp_path / "part", [("a",), ("b",)], [])
    assert size == (tmp_path / "part").stat().st_size
    assert list(read_part(tmp_path / "part")) == [("a",), ("b",), LeftOut(())]
    (tmp_path / "part").write_bytes((tmp_path / "part").read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"part is damaged or cut; remove it"):
        list(read_part(tmp_path / "part"))


@pytest.mark.parametrize("size", [1, 16, 40, 1000])
def test_every_item_is_of_one_block_and_no_whole_of_two(size: int, tmp_path: Path) -> None:
    items = recordings(tmp_path / "data").read([tmp_path / "data"], skip_bad=True).items
    blocks = blocks_of(items, size, 16)
    assert [index for block in blocks for index in block.own] == list(range(len(items)))
    for block in blocks:
        assert block.begin % 16 == 0
        assert block.end % 16 == 0 or block.end == len(items)
        assert {*block.own} <= {*block.seen}
        for index in block.own:
            assert {*items.whole(index)} <= {*block.own}  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="no items"):
        blocks_of(InMemory([]), 4, 4)


def test_the_command_says_what_an_engine_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared("points, embed", tmp_path)
    words = ["embed", str(tmp_path / "run"), str(tmp_path / "data"), "--modality", "tests.test_saving:MODALITY"]
    words += ["--skip-bad", "--out", str(tmp_path / "out")]
    with pytest.raises(ValueError, match="add --engine ray"):
        execute([*words, "--workers", "2"])
    with pytest.raises(ValueError, match=r"block .*must lie in \[1, "):
        execute([*words, "--engine", "ray", "--block", "0"])
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r'--engine ray needs Ray.*pip install "gestalt-ssl\[ray\]"'):
        execute([*words, "--engine", "ray"])


def kill_first_writer(folder: Path, killed: list[int], ended: threading.Event) -> None:
    """End the first process that begins to write a part file, the hard way."""
    while not ended.is_set():
        for path in folder.glob(f"block-*{UNFINISHED}"):
            killed.append(int(path.name.split(".")[1]))
            os.kill(killed[0], signal.SIGKILL)
            return
        time.sleep(0.001)


def test_ray_loses_a_worker_and_writes_what_one_process_writes(tmp_path: Path) -> None:
    command, modality = prepared("sound, discover", tmp_path)
    paths, out = [tmp_path / "data"], tmp_path / "many"
    assert command(tmp_path / "run", paths, tmp_path / "one", True, modality) == 0
    killed, ended = list[int](), threading.Event()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80_000_000, log_to_driver=False)
    watch = threading.Thread(target=kill_first_writer, args=(out / BLOCKS, killed, ended))
    watch.start()
    try:
        assert command(tmp_path / "run", paths, out, True, modality, sharing=Sharing(RayEngine(), 16)) == 0
    finally:
        ended.set()
        watch.join()
        ray.shutdown()
    assert len(killed) == 1
    assert contents(out) == contents(tmp_path / "one")
