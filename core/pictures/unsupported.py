"""What a file is that is no picture which can be read, told by its first bytes."""

from pathlib import Path

EXPORT = "export it as PNG, TIFF or JPEG"
KNOWN: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftypheic", "a HEIC photograph"),
    (4, b"ftypheix", "a HEIC photograph"),
    (4, b"ftypmif1", "a HEIF photograph"),
    (4, b"ftypmsf1", "a HEIF sequence"),
    (4, b"ftyphevc", "a HEIC sequence"),
    (4, b"ftypcrx ", "a camera's raw file"),
    (4, b"ftyp", "a video or sound file"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (0, b"#?RADIANCE", "a Radiance HDR picture"),
    (128, b"DICM", "a DICOM file"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript drawing"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML file, such as an SVG drawing"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
)


def what_it_is(path: Path) -> str | None:
    """The name of a known format that is not read as a picture; None for others.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.png"
        >>> _ = path.write_bytes(b"%PDF-1.7")
        >>> what_it_is(path)
        'a PDF document'
    """
    with path.open("rb") as file:
        begin = file.read(160)
    return next((name for place, magic, name in KNOWN if begin[place:].startswith(magic)), None)
