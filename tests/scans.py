"""Small point clouds in every form that is read."""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import laspy
import numpy as np

PLACES = np.array([[0.0, 0, 0], [1.5, 0, 0], [0, 2.25, 0], [0, 0, -3.5], [1, 1, 1]])
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30], [0, 0, 0]])
NAMES = "x y z red green blue"


def ply(order: str) -> bytes:
    """PLY with a face behind the points, and an element before them."""
    form = {"": "ascii", "<": "binary_little_endian", ">": "binary_big_endian"}[order]
    head = (
        f"ply\nformat {form} 1.0\ncomment of a test\nelement camera 1\nproperty float f\nelement vertex 5\n"
        "property double x\nproperty double y\nproperty double z\nproperty uchar red\nproperty uchar green\n"
        "property uchar blue\nproperty int label\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
    ).encode()
    if not order:
        rows = [
            f"{x} {y} {z} {r} {g} {b} 7" for (x, y, z), (r, g, b) in zip(PLACES.tolist(), COLOURS.tolist(), strict=True)
        ]
        return head + "\n".join(["0.5", *rows, "3 0 1 2", ""]).encode()
    content = struct.pack(f"{order}f", 0.5)
    for places, colours in zip(PLACES.tolist(), COLOURS.tolist(), strict=True):
        content += struct.pack(f"{order}3d3Bi", *places, *colours, 7)
    return head + content + struct.pack(f"{order}B3i", 3, 0, 1, 2)


def with_faces_first(order: str, first: int = 3) -> bytes:
    """PLY whose two faces, of three and four corners and a colour, stand before the points.

    Args:
        order: of the bytes; nothing for text.
        first: how many corners the first face claims.
    """
    form = {"": "ascii", "<": "binary_little_endian", ">": "binary_big_endian"}[order]
    head = (
        f"ply\nformat {form} 1.0\nelement face 2\nproperty list char int vertex_indices\nproperty uchar red\n"
        "element vertex 5\nproperty double x\nproperty double y\nproperty double z\nend_header\n"
    ).encode()
    if not order:
        rows = [f"{x} {y} {z}" for x, y, z in PLACES.tolist()]
        return head + "\n".join([f"{first} 0 1 2 9", "4 0 1 2 3 8", *rows, ""]).encode()
    faces = struct.pack(f"{order}b3iBb4iB", first, 0, 1, 2, 9, 4, 0, 1, 2, 3, 8)
    return head + faces + b"".join(struct.pack(f"{order}3d", *place) for place in PLACES.tolist())


def packed(content: bytes) -> bytes:
    """LZF of literal runs alone, and of one repetition where the content begins with two equal halves of 8 bytes."""
    made = bytearray()
    at = 0
    while at < len(content):
        if at >= 8 and content[at : at + 8] == content[at - 8 : at]:
            made += bytes([(6 << 5), 7])
            at += 8
            continue
        run = content[at : at + 8]
        made += bytes([len(run) - 1]) + run
        at += len(run)
    return bytes(made)


def pcd(data: str) -> bytes:
    """PCD with colours that are packed into one number, and a point without coordinates."""
    head = (
        "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z rgb\nSIZE 8 8 8 4\nTYPE F F F U\nCOUNT 1 1 1 1\nWIDTH 6\nHEIGHT 1\n"
        f"VIEWPOINT 0 0 0 1 0 0 0\nPOINTS 6\nDATA {data}\n"
    ).encode()
    rgb = (COLOURS @ [65536, 256, 1]).astype("<u4")
    rows = np.zeros(6, [("x", "<f8"), ("y", "<f8"), ("z", "<f8"), ("rgb", "<u4")])
    kept = [0, 1, 3, 4, 5]
    rows["x"][2] = np.nan
    for place, axis in enumerate("xyz"):
        rows[axis][kept] = PLACES[:, place]
    rows["rgb"][kept] = rgb
    if data == "ascii":
        return head + "".join(f"{x} {y} {z} {c}\n" for x, y, z, c in rows.tolist()).encode()
    if data == "binary":
        return head + rows.tobytes()
    content = b"".join(np.ascontiguousarray(rows[name]).tobytes() for name in rows.dtype.names or ())
    small = packed(content)
    return head + struct.pack("<2I", len(small), len(content)) + small


def text(delimiter: str, header: str) -> bytes:
    """Rows of numbers."""
    rows = np.column_stack([PLACES, COLOURS])
    head = f"{header}\n" if header else ""
    return (head + "".join(f"{delimiter.join(f'{value:g}' for value in row)}\n" for row in rows)).encode()


def las(path: Path) -> None:
    """LAS, or LAZ by its suffix, in steps of a millimetre."""
    header = laspy.LasHeader(point_format=2, version="1.2")
    header.scales = np.full(3, 0.001)
    made = laspy.LasData(header)
    made.x, made.y, made.z = PLACES.T
    made.red, made.green, made.blue = (COLOURS * 257).astype(np.uint16).T
    made.write(str(path))


def npy(path: Path) -> None:
    """Named numbers."""
    rows = np.zeros(5, [(name, "<f4") for name in NAMES.split()])
    for place, name in enumerate(NAMES.split()):
        rows[name] = np.column_stack([PLACES, COLOURS])[:, place]
    np.save(path, rows)


def _put(content: bytes) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.write_bytes(content)

    return put


SCANS: Mapping[str, tuple[str, Callable[[Path], None]]] = {
    "PLY in text": ("a.ply", _put(ply(""))),
    "PLY, little-endian": ("a.ply", _put(ply("<"))),
    "PLY, big-endian": ("a.ply", _put(ply(">"))),
    "PCD in text": ("a.pcd", _put(pcd("ascii"))),
    "PCD, binary": ("a.pcd", _put(pcd("binary"))),
    "PCD, compressed": ("a.pcd", _put(pcd("binary_compressed"))),
    "XYZ": ("a.xyz", _put(text(" ", ""))),
    "a table": ("a.csv", _put(text(",", "X,Y,Z,R,G,B"))),
    "a remark with names": ("a.txt", _put(text(" ", "//X Y Z R G B"))),
    "LAS": ("a.las", las),
    "LAZ": ("a.laz", las),
    "an array of named numbers": ("a.npy", npy),
}
"""The same five points, by the name of the form."""
