"""Names of outputs: one for every file, below the folder, the same every time."""

import os
import unicodedata
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gestalt.core.storage.naming import LONGEST, LONGEST_PATH, OutputNames

# Few parts of names that are alike in some way meet often: cases, forms of a letter, endings, dots, and long ones.
PARTS = st.sampled_from(
    [
        "a",
        "A",
        "b",
        "a.png",
        "a.PNG",
        "ä.png",
        unicodedata.normalize("NFD", "ä.png"),
        "ß",
        "ss",
        "a.tar.gz",
        ".hidden",
        "..png",
        "...",
        "a.",
        "a ",
        "labels",
        "x" * 250,
        "x" * 249 + "y",
        "�.wav",
        "鳥" * 80,
        "<b>",
        "a__b",
        "A.wav",
    ]
)
PATHS = st.lists(PARTS, min_size=1, max_size=4).map(lambda parts: Path(*parts))
FILES = st.lists(st.tuples(st.sampled_from(["/data", "/data/..", "..", "", "/"]), PATHS), min_size=1, max_size=12)
ENDINGS = st.sampled_from([".png", ".txt", ""])


def seen(name: Path) -> tuple[str, ...]:
    """What a file system sees that knows no case and no forms of letters, and cuts dots and spaces."""
    return tuple(unicodedata.normalize("NFKD", part).casefold().rstrip(". ") for part in name.parts)


@settings(max_examples=200, deadline=None)
@given(FILES, ENDINGS, st.randoms())
@example([("", Path("a.png", "x.png")), ("", Path("a.jpg"))], ".png", None)
def test_names_are_unique_lie_inside_and_do_not_depend_on_the_order(
    drawn: list[tuple[str, Path]], ending: str, random: object
) -> None:
    files = [Path(start) / path for start, path in drawn]
    names = OutputNames(files, ending)
    by_file = {os.path.abspath(file): names.of(file) for file in files}
    assert len({seen(name) for name in by_file.values()}) == len(by_file), "two files have one name"
    folders = {seen(name)[:length] for name in by_file.values() for length in range(1, len(name.parts))}
    assert not folders & {seen(name) for name in by_file.values()}, "a file is another's folder"
    for name in by_file.values():
        assert not name.is_absolute()
        assert os.path.normpath(name) == str(name)
        assert ".." not in name.parts
        assert str(name) != "."
        assert name.name.endswith(ending)
        assert len(os.fsencode(name.name)) <= LONGEST + len(ending)
        assert all(len(os.fsencode(part)) <= LONGEST for part in name.parent.parts)
        assert len(os.fsencode(name)) <= LONGEST_PATH + len(ending)
    again = list(files)
    if random is not None:
        random.shuffle(again)  # type: ignore[attr-defined]
    assert [OutputNames(again, ending).of(file) for file in files] == [names.of(file) for file in files]


def named(files: list[str], ending: str) -> list[str]:
    paths = [Path(file) for file in files]
    names = OutputNames(paths, ending)
    return [names.of(path).as_posix() for path in paths]


def test_a_file_s_output_is_named_after_it() -> None:
    assert named(["/home/me/folder/photo.png"], ".png") == ["photo.png"]
    assert named(["one/a.wav", "two/b.wav"], ".txt") == ["a.txt", "b.txt"]


def test_folders_are_mirrored_where_names_repeat() -> None:
    assert named(["in/one/a.wav", "in/two/a.wav", "in/two/deep/b.wav"], ".txt") == [
        "one/a.txt", "two/a.txt", "two/deep/b.txt",
    ]  # fmt: skip
    assert named(["a/v.mp4", "a/v.mov"], ".mp4") == ["v.mp4.mp4", "v.mov.mp4"]


def test_what_only_some_file_systems_tell_apart_gets_a_digest() -> None:
    one, two = named(["in/A.png", "in/a.png"], ".png")
    assert one.startswith("A.png-")
    assert two.startswith("a.png-")
    long = named([f"{'x' * 300}/{'鳥' * 83}.wav"], ".txt")[0]
    assert len(long.encode()) <= LONGEST + 4


def test_two_ways_to_one_file_are_one_name() -> None:
    assert named(["a.png", "x/../a.png", os.path.abspath("a.png")], ".png") == ["a.png"] * 3
