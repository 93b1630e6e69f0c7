"""Files that broke the law once, made as small as they can be; each stays read or named."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from .formats import Format
from .listed import FORMATS


@final
@dataclass(frozen=True)
class Found:
    """What was done to the valid file of a format (its bytes are given, new ones come), and what is said of it now.

    `says` is a part of the error; "" where the file is read.
    """

    name: str
    format: str
    change: Callable[[bytes], bytes]
    says: str
    skip_bad: bool = False

    @property
    def form(self) -> Format:
        """The format."""
        return FORMATS[self.format]

    def check(self, folder: Path) -> None:
        """Open the file.

        Raises:
            AssertionError: if something else comes of it.
        """
        target = self.form.targets[0]
        for own, content in self.form.content.items():
            (folder / own).parent.mkdir(parents=True, exist_ok=True)
            (folder / own).write_bytes(self.change(content) if own == target else content)
        said = ""
        try:
            self.form.read(folder / self.form.main, self.skip_bad)
        except (ValueError, OSError) as error:
            said = str(error)
        assert bool(said) == bool(self.says), f"expected {self.says!r}, got {said!r}"
        assert self.says in said, f"expected {self.says!r}, got {said!r}"


def _replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        assert old in content, f"{old!r} is not in the valid file"
        return content.replace(old, new, 1)

    return change


def _long_last_chunk(content: bytes) -> bytes:
    place = content.index(b"IDAT")  # the pixels, whose length stands before their name
    return content[: place - 4] + b"\xff\xff\xff\xf0" + content[place:]


def _always(content: bytes) -> Callable[[bytes], bytes]:
    return lambda _: content


def _broken_pixels(content: bytes) -> bytes:
    place = content.index(b"IDAT") + 12
    return content[:place] + bytes(byte ^ 0x5A for byte in content[place : place + 8]) + content[place + 8 :]


def _tag(number: int, value: bytes) -> Callable[[bytes], bytes]:
    """A TIFF in which a tag has another type, count and value (ten bytes)."""

    def change(content: bytes) -> bytes:
        start = content.index(number.to_bytes(2, "little"), int.from_bytes(content[4:8], "little"))
        return content[: start + 2] + value + content[start + 12 :]

    return change


def _wide(atoms: int) -> Callable[[bytes], bytes]:
    return _replaced(b"CC(=O)Oc1", b"C1" + b"C" * atoms + b"1.CC(=O)Oc1")


def _longer(atoms: int) -> Callable[[bytes], bytes]:
    return _replaced(b"Oc1ccccc1", b"Oc1c" + b"C" * atoms + b"cccc1")


def _frames_of(width: int, height: int) -> Callable[[bytes], bytes]:
    """A GIF whose screen, and first frame, are said to be of another size."""
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")

    def change(content: bytes) -> bytes:
        place = content.index(b"\x2c\0\0\0\0", 13) + 5
        return content[:6] + size + content[10:place] + size + content[place + 4 :]

    return change


def _no_length(content: bytes) -> bytes:
    """HDF5 whose free space in a heap of strings has no length."""
    place = content.rindex(b"GCOL") + 16
    while content[place : place + 2] != b"\0\0":
        place += 16 + -(-int.from_bytes(content[place + 8 : place + 16], "little") // 8) * 8
    return content[: place + 8] + bytes(8) + content[place + 16 :]


def _many_parts(content: bytes) -> bytes:
    """LAZ whose table claims 4 thousand million compressed parts."""
    begin = int.from_bytes(content[96:100], "little")
    table = int.from_bytes(content[begin : begin + 8], "little") + 4
    return content[:table] + b"\xff" * 4 + content[table + 4 :]


def _torn_footer(content: bytes) -> bytes:
    """Parquet whose footer is not what its length says."""
    return content[:-60] + b"\xff" * 40 + content[-20:]


DEEP = b"[" * 100_000
REGRESSIONS = (
    Found("a valid Ogg file of less than a second", "ogg", lambda content: content, ""),
    Found("a PNG of 16 bits with broken pixels", "png 16 bits", _broken_pixels, "cannot be read as a picture"),
    Found("colours of a TIFF that nobody knows", "tiff", _tag(262, b"\x03\0\x01\0\0\0\x99\x01\0\0"), ""),
    Found("two numbers for the orientation of a TIFF", "tiff", _tag(257, b"\x03\0\x02\0\0\0\x14\0\x14\0"), "picture"),
    Found(
        "a dictionary for the number of an image", "COCO", _replaced(b'"image_id": 1', b'"image_id": {}'), "unhashable"
    ),
    Found("an image of 1e999 pixels", "COCO", _replaced(b'"height": 20', b'"height": 1e999'), "no annotations in COCO"),
    Found(
        "an image of a thousand million pixels", "COCO", _replaced(b'"height": 20', b'"height": 9999999999'), "claims"
    ),
    Found("COCO nested too deep", "COCO", _always(DEEP), "no annotations in COCO"),
    Found("a span that ends at 1e999", "spans jsonl", _replaced(b'"end": 8', b'"end": 1e999'), "has no spans"),
    Found("run lengths too long for a number", "COCO", _replaced(b"350", b"9" * 30), "m.json, annotation 2"),
    Found("a dictionary in run lengths", "COCO", _replaced(b"350", b"{}"), "m.json, annotation 2"),
    Found(
        "a list for a category", "COCO", _replaced(b'"category_id": 3', b'"category_id": []'), "m.json, annotation 1"
    ),
    Found("weights that no float of 32 bits holds", "edges csv", _replaced(b"0.5", b"1e308"), ""),
    Found("spans nested too deep", "spans jsonl", _always(DEEP), "has no spans"),
    Found("a table of wrong rows alone", "labels csv", _always(b"file,label\na\nb\n"), "no other row", skip_bad=True),
    Found("a table of two columns of labels", "labels csv", _replaced(b"note", b"label"), "l.csv has 2 columns"),
    Found("a table of two onsets", "DCASE's events", _replaced(b"offset", b"onset"), "e.tsv has 2 columns"),
    Found(
        "a list of texts of 2 gigabytes in an AVI",
        "avi video",
        _replaced(b"LIST\x1a\0\0\0INFO", b"LIST\x1a\0\0\x83INFO"),
        "INFO claims 2197815322 bytes",
    ),
    Found(
        "a text of 2 gigabytes in an AVI",
        "avi video",
        _replaced(b"ISFT\x0e\0\0\0", b"ISFT\x0e\0\0\x83"),
        "text 'ISFT' claims 2197815310 bytes",
    ),
    Found("a chunk of 4 gigabytes in a PNG", "png palette", _long_last_chunk, ""),
    Found("a checkpoint that is cut off", "checkpoint", lambda content: content[:300], "begin the run again"),
    Found("a saved graph that is none", "pt", _always(b"\x80\x02]q\x00."), "a.pt"),
    Found("segments whose archive is torn", "segments", lambda content: content[:100], "are damaged"),
    Found("options of a run that are no JSON", "options.json", _always(b"{"), "options.json is damaged"),
    Found("options of a run in another encoding", "options.json", _always(b"\xff\xfe{"), "options.json is damaged"),
    Found("data.json nested too deep", "data.json", _always(DEEP), "data.json is damaged"),
    Found("a list of outputs nested too deep", "list of outputs", _always(DEEP), "is damaged"),
    Found("signs of rounds without numbers", "rounds.csv", _always(b"round,step\na,b\n"), "rounds.csv is damaged"),
    Found("metrics in another encoding", "metrics.csv", _always(b"step\n\xff\n1\n"), "metrics.csv is damaged"),
    Found("a table of results that is no JSON", "table.json", _always(b"{"), "table.json is damaged"),
    Found("a run of settings that there are not", "config.json", _replaced(b'"width"', b'"widht"'), "config.json"),
    Found("a run of a width below 0", "config.json", _replaced(b'"width": 8', b'"width": -8'), "config.json"),
    Found(
        "a run whose heads are a list", "config.json", _replaced(b'"heads": {', b'"heads": [], "x": {'), "config.json"
    ),
    Found("a run nested too deep", "config.json", _always(DEEP), "config.json"),
    Found("weights of a type that torch has not", "model.safetensors", _replaced(b'"F32"', b'"F99"'), "damaged"),
    Found(
        "a span that ends beyond all files", "spans jsonl", _replaced(b'"end": 8', b'"end": ' + b"9" * 30), "no spans"
    ),
    Found("a ring of 6000 atoms", "molecules csv", _wide(6000), "a ring of 6001 atoms"),
    Found("a ring of 9000 atoms, one of them aromatic", "molecules csv", _longer(9000), "a ring of 90"),
    Found(
        "an option that is a line of its own", "options.json", _replaced(b'"num_nodes"', b'"num_\\nodes"'), "was begun"
    ),
    Found("a strip of 3 gigabytes", "tiff", _tag(279, b"\x04\0\x01\0\0\0\0\0\0\xc0"), "more bytes for a part"),
    Found(
        "a number of RDKit's own words",
        "sdf",
        _replaced(b"N   0  0  0  0", b"N   0  0  99999999999999999999  0"),
        "Pre-condition Violation getValence",
    ),
    Found("a truth value for a width", "config.json", _replaced(b'"hidden": 16', b'"hidden": true'), "config.json"),
    Found("nodes of a network that are none", "nodes csv", _always(b"{}"), "a.nodes.csv [line 1]"),
    Found("a run of no modality", "config.json", _replaced(b'"name": "text"', b'"name": ""'), "config.json"),
    Found("a ring of 1000 atoms", "molecules csv", _wide(1000), ""),
    Found("a clip of 81 million pixels", "gif video", _frames_of(9000, 9000), "at most 40000000 pixels"),
    Found("a clip that is a long strip", "gif video", _frames_of(65304, 255), "16384 along a side"),
    Found("a heap of strings whose free space has no length", "series: hdf5", _no_length, "heap of strings at byte"),
    Found("words called HDF5", "series: new hdf5", _always(b"some words\n"), "cannot be read (OSError"),
    Found(
        "an MP3 among the sounds of sensors", "series: wav", _always(b"\xff\xfb\x90d" * 99), "is no WAV, FLAC or W64"
    ),
    Found("a WAV that was joined with another", "series: wav", lambda content: content * 8, "after its end"),
    Found("a LAZ of four thousand million parts", "points: LAZ", _many_parts, "claims 4294967295 compressed parts"),
    Found(
        "a LAZ of points of another kind, over which its library panics",
        "points: LAZ",
        _replaced(b"\2\0\6\0\x14\0", b"\2\0\x09\0\x14\0"),
        "has points that cannot be unfolded (mid > len)",
    ),
    Found(
        "a column of Parquet that is neither needed nor not, over which its library aborted",
        "rows: parquet",
        _replaced(b"%\2\x18\4ward", b"%\x7b\x18\4ward"),
        "Definition level histogram size mismatch",
    ),
    Found(
        "rows of which no column is an input",
        "rows: tsv",
        _always(b'{"note": "so"}\n' + b"".join(b'{"note": "%d so"}\n' % number for number in range(30))),
        "a.tsv: no column is good for an input",
    ),
    Found("a torn footer of Parquet", "rows: parquet", _torn_footer, "is no Parquet"),
    Found("a text of Parquet that is none", "rows: parquet", _replaced(b"north", b"nor\xffh"), "cannot be read"),
    Found(
        "a name in an index of archives that is no text",
        "index of archives",
        _replaced(b"0001.json", b"0001.js\xffn"),
        "is damaged",
    ),
    Found("a torn index of archives", "index of archives", _torn_footer, "is damaged"),
    Found("an index whose segment has a long name", "index", _replaced(b'"00000"', b'"%s"' % (b"0" * 5000)), "damaged"),
    Found(
        "names of types with a column twice", "names of types", _replaced(b"type,name", b"type,type"), "has 2 columns"
    ),
    Found(
        "a pattern in a list that nothing matches",
        "list of paths",
        _always(b"a.txt\n*.wav\n"),
        "l.txt, line 2: nothing",
    ),
    Found(
        "a path of ten thousand letters in a list", "list of paths", _always(b"a" * 10_000), "l.txt, line 1: File name"
    ),
    Found(
        "two words of one number in a tree", "trees", _replaced(b"\n2\tmen", b"\n1\tmen"), "two words of the number 1"
    ),
    Found("a tree of fewer words than its sentence", "trees", _replaced(b"3\t.", b"-1\t."), "make a tree of 2"),
    Found("ELAN in an encoding that there is not", "tracks: elan", _replaced(b'"UTF-8"', b'"UTF-9"'), "UTF-9"),
    Found("GraphML in an encoding that there is not", "graphml", _replaced(b'"UTF-8"', b'"UTF-9"'), "UTF-9"),
    Found("a TIFF of no width", "tiff", _tag(256, b"\x03\0\x01\0\0\0\0\0\0\0"), "claims 0 × 20 pixels"),
    Found(
        "a header over several lines",
        "objects of columns",
        _always(b'"a\nb",column\nx,1\n'),
        "has the columns a b, column",
    ),
    Found(
        "a line of a raised number",
        "objects of rows",
        _replaced(b"a.csv,2", "a.csv,²".encode()),
        "is no number of a row",
    ),
    Found("a raised number of tiers", "tracks: textgrids", _replaced(b"size = 1", "size = ²".encode()), "a.TextGrid:"),
    Found("a span of BRAT beyond all texts", "spans of BRAT", _replaced(b"4 8", b"4 " + b"9" * 30), "beyond all texts"),
    Found(
        "a row of joint items nested too deep",
        "joint: lines",
        lambda content: DEEP.join(content.rsplit(b"null", 1)),
        "is no JSON",
    ),
    Found(
        "an escape that there is not in the header of an array",
        "series: npy",
        _replaced(b"'<f8'", b"'\\(8'"),
        "is not a valid dtype",
    ),
    Found(
        "several words in one without their lines",
        "trees",
        _always(b"1-2\tab" + b"\t_" * 8 + b"\n3\tc" + b"\t_" * 4 + b"\t0\troot\t_\t_\n"),
        "not the lines of these words",
    ),
)
