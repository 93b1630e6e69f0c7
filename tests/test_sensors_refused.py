"""Series that cannot be read are named with their place, and left out on demand."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gestalt.core.data.items import BadItemError
from gestalt.modalities.sensors import Sensors
from tests.series_files import write_table
from tests.series_forms import (
    VALUES,
    array,
    claimed,
    hdf5,
    heap,
    lists,
    outside,
    sparse,
    table,
    virtual,
    wide,
)


def torn_hdf5(folder: Path) -> Path:
    path = hdf5(wide)(folder)
    path.write_bytes(path.read_bytes()[:500])
    return path


BAD: dict[str, tuple[Callable[[Path], Path], dict[str, Any], str]] = {
    "a clock that stands still": (
        table("time,x\n0,1\n0.1,2\n0.1,3\n"), {}, r"a\.csv:4: its clock stands still at line 4 \(0 s\)",
    ),
    "a clock that goes back": (table("time,x\n0,1\n2,2\n1,3\n"), {}, r"a\.csv:4: its clock goes back .*\(-1 s\)"),
    "a gap": (
        table("time,x\n" + "".join(f"{number},1\n" for number in [*range(20), *range(50, 60)])), {},
        "its clock is irregular: 31 s pass before line 22, and usually 1 s",
    ),
    "a time that is none": (table("time,x\n0,1\nsoon,2\n"), {}, r"a\.csv:3: 'soon' is no time"),
    "no clock": (table("a,b\n1,2\n3,4\n"), {}, "has no column of time among 'a', 'b'; name it .*rate="),
    "no header": (table("0,2\n1,4\n"), {}, "has no header: its first line holds numbers"),
    "a missing value": (
        table("time,x\n0,1\n1,\n2,3\n3,4\n"), {}, r"a\.csv: has no value of 'x' at 1\.000 s \(sample 2\); fill it",
    ),
    "a word among numbers": (
        table("time,x\n" + "".join(f"{number},1\n" for number in range(600)) + "600,oops\n601,1\n"), {},
        r"a\.csv, row 601: 'oops' in the column 'x' is no number",
    ),
    "a column that is not there": (table("time,x\n0,1\n1,2\n"), {"columns": ("q",)}, "has no column 'q', it has"),
    "a clock that is not there": (table("time,x\n0,1\n1,2\n"), {"time": "q"}, "'q', .*name the column of time"),
    "one row": (table("time,x\n0,1\n"), {}, "fewer than two moments"),
    "a row that is short": (table("time,x,y\n0,1,2\n1,2\n"), {}, r"a\.csv:3: has 2 cells, the header has 3"),
    "a cube": (array(np.ones((4, 4, 4))), {}, r"holds float64 of shape \(4, 4, 4\)"),
    "nothing but words": (table("time,x\n0,a\n1,b\n"), {}, "of 0 channels of numbers"),
    "hdf5 without a rate": (hdf5(lambda file: file.create_dataset("a", data=VALUES)), {}, "says no rate: say .*rate="),
    "hdf5 of several": (
        hdf5(lambda file: [file.create_dataset(name, data=VALUES) for name in "ab"]), {"rate": 1.0},
        r"holds 'a' \(768, 3\), 'b' \(768, 3\): name the data set that is the series \(dataset=",
    ),
    "hdf5 that is cut": (torn_hdf5, {}, r"a\.h5: cannot be read \(OSError: "),
    "hdf5 whose numbers lie in another file": (
        hdf5(outside), {"rate": 1.0}, "has the numbers of 'a' in another file, '/etc/passwd', which is not opened",
    ),
    "hdf5 whose attribute is made of lists": (hdf5(lists), {}, "has an attribute 'channels' that is neither text nor"),
    "hdf5 that is put together from others": (
        hdf5(virtual), {"rate": 1.0}, "has the numbers of 'a' in another file, 'there.h5', which is not opened",
    ),
    "hdf5 that was never written": (
        claimed((10**12, 3), chunks=(1000, 3)), {}, "has a 'a' that claims 24000000000000 bytes, of which 0 were",
    ),
    "hdf5 in one huge part": (
        hdf5(lambda file: file.create_dataset("a", data=VALUES, chunks=(10**8, 3), maxshape=(None, 3))), {"rate": 1.0},
        "has 'a' in parts of 2288 MiB, each of which is unfolded as a whole",
    ),
    "an array of too many channels": (
        sparse, {}, r"has the shape \(70000, 70000\): at most 65536 channels are read, the shorter axis",
    ),
    "hdf5 with a heap of no length": (
        heap(lambda rest: bytes(8) + rest[8:]), {}, "its heap of strings at byte .* is damaged: object 0 claims 0 b",
    ),
    "hdf5 with a heap that leads back": (
        heap(lambda rest: b"\xf0" + b"\xff" * 7 + rest[8:]), {}, "its heap of strings .* claims 18446744073709551600",
    ),
    "sound that is none": (table("RIFF", "a.wav"), {}, r"a\.wav: cannot be read"),
    "edf that is none": (table("0       " * 4, "a.edf"), {}, r"a\.edf: "),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_named_with_its_place_and_left_out_on_demand(case: str, tmp_path: Path) -> None:
    write, settings, said = BAD[case]
    write(tmp_path)
    with pytest.raises(BadItemError, match=said):
        Sensors(**settings).read([tmp_path])
    write_table(tmp_path / "z.csv")
    if settings:
        return  # they do not fit the good file
    reading = Sensors().read([tmp_path], skip_bad=True)
    assert [Path(re.split(r"[:,]", one.name)[0]).stem for one in reading.skipped] == ["a"]
    assert len(reading.items) == 1
