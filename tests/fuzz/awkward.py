"""Awkward files that the tests make: what is no file, has an odd name, or is smaller or larger than any."""

import io
import os
import socket
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, final

import av
import numpy as np
import soundfile
import torch
from PIL import Image as Pillow

from gestalt.modalities.graph import GraphModality
from gestalt.modalities.text import Text
from tests.pictures import chunk, png

from . import graphs, pictures, sounds, texts
from .formats import written
from .law import read_whole

Outcome = Literal["read", "named"]


@final
@dataclass(frozen=True)
class Case:
    """A file: how it is made in a folder, how it is opened, and what comes of it (None: either)."""

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path, bool], object]
    expected: Outcome | None = None


def _written(name: str, content: bytes, folder: Path) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def _sparse(name: str, folder: Path) -> Path:
    with (folder / name).open("wb") as file:
        file.truncate(3 << 30)
    return folder / name


def _folder(name: str, folder: Path) -> Path:
    (folder / name).mkdir()
    return folder / name


def _nested(name: str, content: bytes, folder: Path) -> Path:
    (folder / name).mkdir()
    _written(name, content, folder / name)
    return folder / name


def _pipe(name: str, folder: Path) -> Path:
    os.mkfifo(folder / name)
    return folder / name


def _socket(name: str, folder: Path) -> Path:
    here = os.getcwd()
    os.chdir(folder)  # the path of a socket may have some hundred letters at most
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(name)
    finally:
        os.chdir(here)
    return folder / name


def _link(name: str, to: str, folder: Path) -> Path:
    (folder / name).symlink_to(to)
    return folder / name


def _locked(name: str, content: bytes, folder: Path) -> Path:
    path = _written(name, content, folder)
    path.chmod(0)
    return path


def _loop(name: str, content: bytes, folder: Path) -> Path:
    (folder / "tree").mkdir()
    _written(name, content, folder / "tree")
    (folder / "tree" / "again").symlink_to(folder / "tree")
    (folder / "tree" / "up").symlink_to(folder)
    return folder / "tree"


def anywhere(content: bytes, ending: str, read: Callable[[Path, bool], object]) -> list[Case]:
    """What may happen to a file of any format; `content` is a valid one."""
    name = f"a.{ending}"
    odd = {
        "a name with a line break": f"a\nb.{ending}", "an emoji": f"🦜.{ending}",
        "right to left": f"\u202eعربي.{ending}",
        "a long name": f"{'n' * (250 - len(ending))}.{ending}", "a name like an option": f"--out.{ending}",
        "a formula": f"=1+1.{ending}", "bytes": os.fsdecode(b"caf\xe9\xff." + ending.encode()),
        "a name in capitals": f"A.{ending.upper()}", "brackets": f"a [line 3], window 2: b.{ending}",
        "% and {}": f"%s{{}}.{ending}",
    }  # fmt: skip
    cases: list[tuple[str, Callable[[Path], Path], Outcome | None]] = [
        ("no bytes", partial(_written, name, b""), "named"),
        ("one byte", partial(_written, name, b"\x01"), None),
        ("a line break", partial(_written, name, b"\n"), "named"),
        ("a byte order mark alone", partial(_written, name, b"\xef\xbb\xbf"), "named"),
        ("a header alone", partial(_written, name, content[:16]), None),
        ("zero bytes", partial(_written, name, bytes(1 << 20)), "named"),
        ("three gigabytes of nothing", partial(_sparse, name), "named"),
        ("a folder", partial(_folder, name), "named"),
        ("a file in a folder of its name", partial(_nested, name, content), "read"),
        ("a pipe", partial(_pipe, name), "named"),
        ("a socket", partial(_socket, name), "named"),
        ("a device", partial(_link, name, "/dev/zero"), "named"),
        ("a link to itself", partial(_link, name, name), "named"),
        ("a link that leads nowhere", partial(_link, name, "gone"), "named"),
        ("a locked file", partial(_locked, name, content), None),
        ("links in circles", partial(_loop, name, content), "read"),
        *((what, partial(_written, called, content), "read") for what, called in odd.items()),
    ]
    return [Case(f"{ending}: {what}", make, read, outcome) for what, make, outcome in cases]


def _of(
    read: Callable[[Path, bool], object], cases: Mapping[str, tuple[str, bytes | str, Outcome | None]]
) -> list[Case]:
    return [
        Case(what, partial(_written, name, content.encode() if isinstance(content, str) else content), read, outcome)
        for what, (name, content, outcome) in cases.items()
    ]


def _wav(samples: np.ndarray, rate: int = 8000, subtype: str = "FLOAT") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, subtype, format="WAV")
    return buffer.getvalue()


def _short(ending: str, frames: int) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format={"mkv": "matroska"}.get(ending, ending)) as container:
        stream: Any = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _bomb() -> bytes:
    """A PNG of 16,384 × 16,384 pixels in a few bytes."""
    rows = zlib.compress(bytes(1 << 20))
    return png(1 << 17, 1 << 17, 8, 0, b"") + rows


def _claims(width: int, height: int) -> bytes:
    return png(width, height, 8, 2, b"\0" * 100)


def _many_chunks() -> bytes:
    head = png(20, 20, 8, 0, b"\0" * 21 * 20)
    return head[:33] + chunk(b"tEXt", b"a\0b") * 20_000 + head[33:]


def _npy(shape: str, dtype: str = "|u1", body: bytes = b"") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def _graph(edges: torch.Tensor, **more: Any) -> bytes:
    from gestalt.modalities.graph.geometric import Data

    buffer = io.BytesIO()
    torch.save([Data(edge_index=edges, **more)], buffer)
    return buffer.getvalue()


DEEP = 100_000
AUDIO: Mapping[str, tuple[str, bytes | str, Outcome | None]] = {
    "one sample": ("a.wav", _wav(np.ones(1)), "named"),
    "no sample": ("a.wav", _wav(np.zeros(0)), "named"),
    "silence": ("a.wav", _wav(np.zeros(8000)), "named"),
    "NaN": ("a.wav", _wav(np.full(8000, np.nan)), "named"),
    "infinite samples": ("a.wav", _wav(np.full(8000, np.inf)), "named"),
    "the largest samples": ("a.wav", _wav(np.full((8000, 2), 3e38)), None),
    "1 Hz": ("a.wav", _wav(np.sin(np.arange(100.0)), 1), "named"),
    "a rate of two thousand millions": ("a.wav", _wav(np.sin(np.arange(100.0)), 2**31 - 1), "named"),
    "a hundred channels": ("a.wav", _wav(np.sin(np.arange(2000.0))[:, None].repeat(100, axis=1)), "read"),
    "a picture called wav": ("a.wav", pictures.saved("PNG"), "named"),
}
PICTURES: Mapping[str, tuple[str, bytes | str, Outcome | None]] = {
    "1 × 1": ("a.png", pictures.saved("PNG", Pillow.new("RGB", (1, 1))), "named"),
    "65535 × 1": ("a.jpg", pictures.saved("JPEG", Pillow.new("RGB", (65500, 1))), "named"),
    "65500 × 16": ("a.png", pictures.saved("PNG", Pillow.new("L", (65500, 16))), "read"),
    "a hundred thousand pixels a side": ("a.png", _bomb(), "named"),
    "four thousand millions a side": ("a.png", _claims(2**31 - 1, 2**31 - 1), "named"),
    "no pixels": ("a.png", _claims(0, 20), "named"),
    "twenty thousand chunks": ("a.png", _many_chunks(), None),
    "NaN": ("a.npy", _npy("(20, 20)", "<f4", struct.pack("<f", float("nan")) * 400), "named"),
    "numbers up to 3e38": ("a.npy", _npy("(20, 20)", "<f4", struct.pack("<ff", -3e38, 3e38) * 200), "read"),
    "a negative shape": ("a.npy", _npy("(-20, 20)"), "named"),
    "a shape of 1e18": ("a.npy", _npy("(1000000000, 1000000000)"), "named"),
    "objects": ("a.npy", _npy("(20, 20)", "|O"), "named"),
    "complex numbers": ("a.npy", _npy("(20, 20)", "<c8", bytes(3200)), "named"),
    "five thousand channels": ("a.npy", _npy("(20, 20, 5000)", "|u1", bytes(2_000_000)), "named"),
    "an evaluated header": ("a.npy", _npy("__import__('os').abort()"), "named"),
}
CLIPS: Mapping[str, tuple[str, bytes | str, Outcome | None]] = {
    "no frame": ("a.avi", _short("avi", 0), "named"),
    "one frame": ("a.mkv", _short("mkv", 1), None),
    "one picture": ("a.gif", pictures.saved("GIF"), None),
    "sound alone": (
        "a.mp4",
        sounds.coded("mkv")["a.mkv"],
        None,
    ),
}
TEXTS: Mapping[str, tuple[str, bytes | str, Outcome | None]] = {
    "ten thousand columns": (
        "a.csv",
        ",".join(["text", *(f"c{n}" for n in range(9999))]) + "\n" + "a," * 9999 + "b\n",
        "read",
    ),
    "a header twice": ("a.csv", "text,text\na,b\n", "named"),
    "no header": ("a.csv", "\n\n", "named"),
    "one cell of a megabyte": ("a.csv", "text\n" + "word " * 200_000 + "\n", "read"),
    "quotes that never end": ("a.csv", 'text\n"a\n' + "b\n" * 5000, "named"),
    "a hundred thousand quotes": ("a.csv", "text\n" + '"' * 100_001 + "\n", None),
    "a delimiter of its own": ("a.csv", "sep=;\ntext;b\nx;y\n", "read"),
    "nested a hundred thousand deep": ("a.json", "[" * DEEP + "]" * DEEP, "named"),
    "nested in a record": ("a.jsonl", '{"text": "a", "b": ' + "[" * DEEP + "]" * DEEP + "}\n", "named"),
    "objects in objects": ("a.json", '{"a":' * DEEP, "named"),
    "1e999": ("a.jsonl", '{"text": "a b", "n": 1e999, "m": NaN}\n', "read"),
    "a number of a million digits": ("a.jsonl", '{"text": "a", "n": ' + "9" * 1_000_000 + "}\n", None),
    "a lone surrogate": ("a.jsonl", '{"text": "a \\ud800 b"}\n', None),
    "zero bytes in a field": ("a.jsonl", '{"text": "a\\u0000b c"}\n', "read"),
    "a number for a text": ("a.jsonl", '{"text": 3}\n', "named"),
    "a field twice": ("a.jsonl", '{"text": "a", "text": "b"}\n', "read"),
    "an array of numbers": ("a.json", "[1, 2, 3]", "named"),
    "a text alone": ("a.json", '"a text"', None),
    "null": ("a.json", "null", "named"),
    "zero bytes in a text": ("a.txt", "a\0b\n", "named"),
    "a line of two megabytes": ("a.txt", "word " * 400_000, "read"),
    "a word of a megabyte": ("a.txt", "w" * 1_000_000, "read"),
    "marks on one letter": ("a.txt", "a" + "\u0301" * 50_000, "read"),
    "spaces of every sort": ("a.txt", "\u00a0\u2003\u3000\u200b\ufeff\n", None),
    "utf-32": ("a.txt", "a text".encode("utf-32"), "named"),
    "a hundred thousand empty lines": ("a.txt", "\n" * 100_000, "named"),
    "a number that is none": ("a.conllu", "1-99999999999999999999\tword\t_\n2\tb\t_\n", "read"),
    "one column": ("a.conll", "word\nword\n", None),
}
GRAPHS: Mapping[str, tuple[str, bytes | str, Outcome | None]] = {
    "one atom": ("a.smi", "C\n", "read"),
    "a salt of atoms": ("a.smi", ".".join("C" * 200) + "\n", "read"),
    "a chain of three thousand atoms": ("a.smi", "C" * 3000 + "\n", "read"),
    "brackets ten thousand deep": ("a.smi", "C(" * 10_000 + "C" + ")" * 10_000 + "\n", None),
    "a ring of two thousand atoms, in windows": ("a.smi", "C1" + "C" * 2000 + "C1\n", "read"),
    "rings without end": ("a.smi", "C1" * 5000 + "\n", "named"),
    "an element that there is not": ("a.smi", "[Xx]\n", "named"),
    "a charge of a thousand": ("a.smi", "[C+1000]\n", None),
    "an isotope of a thousand million": ("a.smi", "[1000000000C]\n", None),
    "ten thousand columns": (
        "a.csv", ",".join(["smiles", *(f"c{n}" for n in range(9999))]) + "\nC" + ",1" * 9999 + "\n", "read",
    ),
    "two columns of SMILES": ("a.csv", "smiles,SMILES\nC,CC\n", None),
    "no edge": ("a.edgelist", "# nothing\n", "named"),
    "a loop alone": ("a.edgelist", "a a\n", "named"),
    "weights of 1e999 and NaN": ("a.csv", "source,target,w\na,b,1e999\nb,c,nan\n", None),
    "weights of 1e308": ("a.csv", "source,target,w\na,b,1e308\nb,c,1\n", None),
    "an SDF without its end": ("a.sdf", graphs.FORMATS[3].content["a.sdf"][:200], "named"),
    "an SDF of ends": ("a.sdf", "$$$$\n" * 1000, "named"),
    "counts of an SDF that lie": ("a.sdf", "\n\n\n999999  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n$$$$\n", "named"),
    "edges to nodes that there are not": ("a.pt", _graph(torch.tensor([[0], [7]]), x=torch.ones(2, 1)), "named"),
    "edges to nodes below 0": ("a.pt", _graph(torch.tensor([[0], [-1]]), x=torch.ones(2, 1)), "named"),
    "edges that are none": ("a.pt", _graph(torch.tensor([0.5, 1.0])), "named"),
    "a dictionary of tensors": (
        "a.pt", written("a.pt", lambda path: torch.save({"a": torch.ones(2)}, path)), "named"
    ),
    "a target that is no tensor": ("a.pt", _graph(torch.tensor([[0], [1]]), x=torch.ones(2, 1), y=3), "read"),
}  # fmt: skip

_AUDIO, _IMAGE, _VIDEO = (
    partial(read_whole, modality) for modality in (sounds.MODALITY, pictures.IMAGE, pictures.VIDEO)
)
_TEXT, _GRAPH = partial(read_whole, Text()), partial(read_whole, GraphModality())
_ANYWHERE: Sequence[tuple[str, bytes, Callable[[Path, bool], object]]] = (
    ("wav", sounds.FORMATS[0].content["a.wav"], _AUDIO),
    ("mkv", pictures.FORMATS[18].content["a.mkv"], _VIDEO),
    ("png", pictures.saved("PNG"), _IMAGE),
    ("tif", pictures.FORMATS[4].content["a.tif"], _IMAGE),
    ("txt", texts.LINES.encode(), _TEXT),
    ("csv", texts.TABLE.encode(), _TEXT),
    ("smi", graphs.SMI.encode(), _GRAPH),
    ("sdf", graphs.FORMATS[3].content["a.sdf"], _GRAPH),
)
AWKWARD: Mapping[str, list[Case]] = {
    **{f"any .{ending}": anywhere(content, ending, read) for ending, content, read in _ANYWHERE},
    "sounds": _of(_AUDIO, AUDIO),
    "pictures": _of(_IMAGE, PICTURES),
    "clips": _of(_VIDEO, CLIPS),
    "texts": _of(_TEXT, TEXTS),
    "graphs": _of(_GRAPH, GRAPHS),
}
