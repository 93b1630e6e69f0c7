"""Labels as people have them: names in any form, any delimiter, columns of the data themselves, rows of other files."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gestalt.core.data.items import AbstractItems, Skipped
from gestalt.core.experiment.build import check_labels
from gestalt.core.experiment.labelling import labels_of, share_of
from gestalt.core.experiment.options import Labelling
from gestalt.core.experiment.recipe import ExperimentData
from gestalt.core.methods.presets import preset_named
from gestalt.core.methods.targets import Classes, Values
from gestalt.core.modality.files import Files
from gestalt.core.training.label_table import read_labels, record_labels
from gestalt.core.training.label_values import values_of
from gestalt.core.training.labels import Labels
from gestalt.modalities.graph import GraphModality
from gestalt.modalities.text import Text
from tests.toy import toy


def write(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode(encoding))
    return path


def files(*names: str) -> Files[Any]:
    return Files(tuple(Path(name) for name in names), str)


OWLS = files("data/owl/x.wav", "data/finch/y v1.wav", "data/finch/Ö.flac")

SPELLINGS: dict[str, tuple[str, list[int]]] = {
    "semicolons": ("file;label\nx.wav;a\ny v1.wav;b\n", [0, 1, -1]),
    "tabs": ("file\tlabel\nx.wav\ta\ny v1.wav\tb\n", [0, 1, -1]),
    "bars and quotes": ('file|label\n"x.wav"|"a"\n"y v1.wav"|b\n', [0, 1, -1]),
    "what spreadsheets write": ("sep=;\r\nfile;label\r\nx.wav;a;\r\ny v1.wav;b;\r\n;;\r\n", [0, 1, -1]),
    "no endings": ("file,label\nx,a\ny v1,b\n", [0, 1, -1]),
    "no endings but folders": ("file,label\nowl/x,a\nfinch/y v1,b\n", [0, 1, -1]),
    "dots": ("file,label\n./x.wav,a\n../data/finch/y v1.wav,b\n", [0, 1, -1]),
    "another working directory": (
        "file,label\n/home/me/data/owl/x.wav,a\nC:\\me\\data\\finch\\y v1.wav,b\n",
        [0, 1, -1],
    ),
    "decomposed letters": ("file,label\nO\u0308.flac,a\nx.wav,b\n", [1, -1, 0]),
    "a second header": ("file,label\nx.wav,a\nfile,label\ny v1.wav,b\n", [0, 1, -1]),
    "no last line break": ("file,label\rx.wav,a\ry v1.wav,b", [0, 1, -1]),
    "other capital letters": ("file,label\nX.WAV,a\nfinch/Y V1,b\n", [0, 1, -1]),
    "names in another column": ("label,weight,file\na,1,x.wav\nb,2,y v1.wav\n", [0, 1, -1]),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_a_table_names_files_as_people_write_them(tmp_path: Path, name: str, encoding: str) -> None:
    text, known = SPELLINGS[name]
    labels = read_labels(write(tmp_path / "labels.csv", text, encoding), OWLS)
    assert (labels.target, labels.known.tolist(), labels.note) == (Classes(("a", "b")), known, "")


def test_an_absolute_path_names_a_file_that_was_given_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = write(tmp_path / "l.csv", f"file,label\n{tmp_path}/x.wav,a\n")
    assert read_labels(table, files("../" + tmp_path.name + "/x.wav", "y.wav")).known.tolist() == [0, -1]


def test_rows_of_what_is_not_here_are_said_in_a_line_and_stop_nothing(tmp_path: Path) -> None:
    table = write(tmp_path / "l.csv", "file,label\nx.wav,a\nbad.wav,a\nothers/z.wav,b\n")
    labels = read_labels(table, OWLS, skipped=[Skipped("data/owl/bad.wav", "is torn")])
    assert labels.known.tolist() == [0, -1, -1]
    said = f"labels in {table}: not in this run: 2 of 3 rows, such as 'bad.wav' (1 of what was left out)"
    assert labels.note == said
    with pytest.raises(ValueError, match=r"l\.csv names nothing of the data: its first row names 'q\.wav'"):
        read_labels(write(tmp_path / "l.csv", "file,label\nq.wav,a\n"), OWLS)


def test_rows_that_are_wrong_stop_a_run_or_are_left_out_and_counted(tmp_path: Path) -> None:
    table = write(tmp_path / "l.csv", "file,label\nx.wav,a\ny v1.wav,b,c\n")
    with pytest.raises(ValueError, match=r"l\.csv:3 has 3 cells, the header has 2; .*--skip-bad"):
        read_labels(table, OWLS)
    assert read_labels(table, OWLS, skip_bad=True).note.endswith("left out because they are wrong: 1")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("x,a\n", "names 'x', which fits both data/owl/x.wav and data/finch/x.wav"),
        ("one/x.flac,a\ntwo/x.flac,b\n", r"several names that end with 'x\.flac'"),
    ],
)
def test_names_that_fit_several_things_are_refused(tmp_path: Path, rows: str, message: str) -> None:
    table = write(tmp_path / "l.csv", "file,label\n" + rows)
    with pytest.raises(ValueError, match=message):
        read_labels(table, files("data/owl/x.wav", "data/finch/x.wav", "x.flac"))


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1,5", "-2,25", "3"], [1.5, -2.25, 3.0]),
        (["1.5", "2e-3", "NA", "", "nan", None], [1.5, 0.002, None, None, None, None]),
        (["1,234", "5,6"], [1.234, 5.6]),
        (["1234", "0,125"], [1234.0, 0.125]),
    ],
)
def test_values_have_a_point_or_a_comma(texts: list[str | None], values: list[float | None]) -> None:
    assert values_of(texts, "x") == values


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["1,5", "2.5"], "x: the values '1,5' and '2.5' have a comma and a point; write all alike"),
        (["1,234", "12,000"], "x: the value '1,234' may be one of thousands"),
        (["much"], "the value 'much' is no finite number"),
        (["inf"], "the value 'inf' is no finite number"),
        (["1.234,5"], "the value '1.234,5' is no finite number"),
        (["12_3"], "the value '12_3' is no finite number"),
    ],
)
def test_values_that_may_be_two_numbers_or_none_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        values_of(texts, "x")


MOLECULES = "ID;Canonical SMILES;logS;Class\nm1;CCO;-0,5;A\nm2;c1ccccc1;-1,75;B\nm3;C;;A\n"


def molecules(at: Path) -> AbstractItems[Any]:
    return GraphModality().read([write(at / "data" / "props.csv", MOLECULES)]).items


def texts(at: Path) -> AbstractItems[Any]:
    rows = [
        {"id": "m1", "logS": -0.5, "Class": "A", "text": "one"},
        {"id": "m2", "logS": -1.75, "Class": "B", "text": "two"},
        {"id": "m3", "Class": "A", "text": "three"},
    ]
    return Text().read([write(at / "data" / "props.jsonl", "\n".join(map(json.dumps, rows)))]).items


@pytest.mark.parametrize("read", [molecules, texts])
def test_a_column_of_the_data_themselves_is_a_label(tmp_path: Path, read: Callable[[Path], AbstractItems[Any]]) -> None:
    items = read(tmp_path)
    classes = record_labels(items, "class")
    assert (classes.target, classes.known.tolist()) == (Classes(("A", "B")), [0, 1, 0])
    values = record_labels(items, "logS", "value")
    assert isinstance(values.target, Values)
    torch.testing.assert_close(values.known[:, 0], torch.tensor([-0.5, -1.75, torch.nan]), equal_nan=True)
    with pytest.raises(ValueError, match=r"no labels in a column 'colour'; their columns are .*'Class'"):
        record_labels(items, "colour")


def test_data_without_records_have_no_column(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--label-column x is a column of the data's own records, and these data have"):
        record_labels(OWLS, "x")
    lines = Text().read([write(tmp_path / "a.txt", "one\n")]).items
    with pytest.raises(ValueError, match="their columns are none"):
        record_labels(lines, "x")


RECORDS: dict[str, str] = {
    "by their id": "ID,label\nm2,b\nm1,a\n",
    "by their id in a later column": "label,id\nb,m2\na,m1\n",
    "by what they are called": "name,label\nm2,b\nm1,a\n",
    "by their SMILES": "canonical smiles,label\nc1ccccc1,b\nCCO,a\n",
    "by their place": 'molecule,label\n"props.csv [line 3]",b\nprops.csv:2,a\n',
    "by their line": "line,label\n3,b\n2,a\n",
    "by their file and line": "file,line,label\nprops,3,b\ndata/props.csv,2,a\n",
    "by the table itself": "",
}


@pytest.mark.parametrize("name", RECORDS)
def test_rows_name_records(tmp_path: Path, name: str) -> None:
    items = molecules(tmp_path)
    if not RECORDS[name]:
        path = tmp_path / "data" / "props.csv"
        assert read_labels(path, items, "Class").known.tolist() == [0, 1, 0]
        with pytest.raises(ValueError, match=r"is the data themselves; say by --label-column .*: ID, Canonical SMILES"):
            read_labels(path, items)
        return
    labels = read_labels(write(tmp_path / "l.csv", RECORDS[name]), items)
    assert (labels.known.tolist(), labels.note) == ([0, 1, -1], "")


def data_of(items: AbstractItems[Any], labels: Labels | None, truth: object = None) -> ExperimentData[Any, Any]:
    return ExperimentData(items, toy("points").views, (), (), truth, labels=labels)


@pytest.mark.parametrize(
    "known",
    [
        torch.arange(40) % 2,
        torch.arange(40.0)[:, None],
        torch.arange(80.0).view(40, 2),
        torch.arange(80).view(40, 2) % 3,
        torch.where(torch.arange(40)[:, None] % 2 == 0, torch.tensor([torch.nan, 1.0]), torch.tensor([2.0, torch.nan])),
    ],
)
def test_the_share_is_drawn_of_labels_that_come_with_the_data_too(known: torch.Tensor) -> None:
    items = files(*(f"{number}.wav" for number in range(40)))
    target = Values(("a", "b")[: known.shape[-1]]) if known.is_floating_point() else Classes(("a", "b", "c"))
    data = data_of(items, Labels(target, known))
    half = labels_of(data, Labelling(label_share=0.5), seed=0)
    assert half is not None
    assert len(half.known_items()) == 20
    assert torch.equal(half.known[half.known_items()].nan_to_num(), known[half.known_items()].nan_to_num())
    whole = labels_of(data, Labelling(), seed=0)
    assert whole is not None
    assert len(whole.known_items()) == 40, "all of one's own"
    assert share_of(data_of(items, Labels(target, known), truth=0), Labelling()) == 0.1, "a tenth of the recipe's"


def test_a_method_that_needs_classes_says_that_labels_are_values() -> None:
    labels = Labels.of_values([1.0, None])
    with pytest.raises(
        ValueError, match="learns from classes of some items, and the labels are values: --label-kind class"
    ):
        check_labels(preset_named("semppl").method, labels)
    with pytest.raises(ValueError, match="there are none: give them with --labels, or --label-column"):
        check_labels(preset_named("semppl").method, None)


def sdf(path: Path, values: list[str | None], encoding: str = "utf-8") -> AbstractItems[Any]:
    """Molecules of one atom each, with a property that some have."""
    records = []
    for value in values:
        atom = "    0.0000    0.0000    0.0000 C   0  0  0  0  0  0  0  0  0  0  0  0"
        own = "" if value is None else f">  <Löslichkeit>\n{value}\n\n"
        records.append(f"\n  made by hand\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n{atom}\nM  END\n{own}$$$$\n")
    return GraphModality().read([write(path, "".join(records), encoding)]).items


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_properties_of_an_sdf_are_labels(encoding: str, tmp_path: Path) -> None:
    items = sdf(tmp_path / "a.sdf", ["1,5", None, "-2,25", "NA"], encoding)
    labels = record_labels(items, "löslichkeit", "value")
    assert labels.known[:, 0].nan_to_num(9.0).tolist() == [1.5, 9.0, -2.25, 9.0]
    assert record_labels(items, "Löslichkeit").target.columns == ("-2,25", "1,5"), "NA is no label"


def test_a_property_that_is_no_number_is_named_with_its_record(tmp_path: Path) -> None:
    items = sdf(tmp_path / "a.sdf", ["1.5", "much"])
    with pytest.raises(ValueError, match=r"a\.sdf \[record 2\], column 'Löslichkeit': the value 'much' is no finite"):
        record_labels(items, "Löslichkeit", "value")
    with pytest.raises(ValueError, match=r"no labels in a column 'pKa'; their columns are .*'Löslichkeit'"):
        record_labels(items, "pKa", "value")


def test_classes_that_differ_in_capital_letters_or_spaces_alone_are_said(tmp_path: Path) -> None:
    one = read_labels(write(tmp_path / "l.csv", "file,label\nx.wav,Owl\ny v1.wav,owl\nÖ.flac,finch\n"), OWLS)
    assert one.said.startswith("the classes 'Owl' and 'owl' differ in capital letters or spaces alone")
    assert one.target == Classes(("Owl", "finch", "owl")), "they are as they are written"
    assert not read_labels(write(tmp_path / "l.csv", "file,label\nx.wav,owl\ny v1.wav,finch\n"), OWLS).said


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "l.csv",
            "x.wav,a\ny v1.wav,b\n",
            r"has no header: its first line names 'x\.wav' of the data; write one above",
        ),
        ("l.xlsx", "PK\3\4\0", r"l\.xlsx: is a file of a spreadsheet program; save its sheet as CSV in UTF-8"),
        (
            "l.csv",
            "PK\3\4\0",
            r"l\.csv: is packed as spreadsheet programs write it, and no text; save its sheet as CSV",
        ),
        ("l.csv", "x,a\ny v1,b\n", "has no header: its first line names 'x' of the data"),
        ("l.csv", "X.WAV,a\nY V1.WAV,b\n", r"has no header: its first line names 'X\.WAV' of the data"),
        ("l.csv", "x.wav,a\nelse.wav,b\n", r"has no header: its first line names 'x\.wav' of the data"),
        ("l.csv", "file,id\nx.wav,1\n", "its columns 'file', 'id' name items or nothing; say by --label-column"),
        ("l.csv", "file,\nx.wav,1\n", "its columns 'file', '' name items or nothing; say by --label-column"),
        ("", "", r"is a folder; name a table, or the word folders, archives or annotations"),
        ("none.csv", "", r"none\.csv does not exist; name a table"),
    ],
)
def test_what_is_no_table_of_labels_is_named_with_what_to_do(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    path = write(tmp_path / name, content) if content else tmp_path / name
    with pytest.raises(ValueError, match=said):
        read_labels(path, OWLS)


@pytest.mark.parametrize(
    ("table", "names", "known"),
    [
        ("audio,label\n001/audio.wav,a\n002/audio.wav,b\n", ("001/audio.wav", "002/audio.wav"), [0, 1]),
        ("audio,species\n001/audio.wav,a\n002/audio.wav,b\n", ("001/audio.wav", "002/audio.wav"), [0, 1]),
        ("recording,label\nrecording.wav,a\n", ("d/recording.wav",), [0]),
        ("recording,species\nrecording,a\n", ("d/recording.wav",), [0]),
        ("recording,label\nelse,a\n", ("d/recording.wav", "d/else.wav"), [-1, 0]),
        ("recording,species\nelse.wav,a\n", ("d/recording.wav", "d/else.wav"), [-1, 0]),
    ],
)
def test_a_header_may_be_called_as_the_files_are_without_their_suffix(
    table: str, names: tuple[str, ...], known: list[int], tmp_path: Path
) -> None:
    assert read_labels(write(tmp_path / "l.csv", table), files(*names)).known.tolist() == known


def test_a_first_line_whose_name_fits_two_files_is_no_header(tmp_path: Path) -> None:
    table = write(tmp_path / "l.csv", "audio.wav,a\n001/audio.wav,b\n")
    with pytest.raises(ValueError, match=r"has no header: its first line names 'audio\.wav' of the data"):
        read_labels(table, files("001/audio.wav", "002/audio.wav"))


def test_one_row_labels_no_two_files_that_differ_in_capital_letters_alone(tmp_path: Path) -> None:
    table = write(tmp_path / "l.csv", "file,label\nA.TXT,c\n")
    with pytest.raises(ValueError, match=r"names nothing of the data: its first row names 'A\.TXT'"):
        read_labels(table, files("e/A.txt", "e/a.txt"))
    assert read_labels(table, files("e/a.txt", "e/b.txt")).known.tolist() == [0, -1]


def test_names_in_other_letters_are_said_as_they_are_written(tmp_path: Path) -> None:
    two = files("x/A.txt", "y/a.txt")
    with pytest.raises(ValueError, match=r"names 'A\.TXT', which fits both x/A\.txt and y/a\.txt"):
        read_labels(write(tmp_path / "l.csv", "file,label\nA.TXT,c\n"), two)
    with pytest.raises(ValueError, match=r"l\.csv:3: 'X/A\.TXT' is labelled 'c' and 'd'; keep one"):
        read_labels(write(tmp_path / "l.csv", "file,label\nX/A.TXT,c\nX/a.TXT,d\n"), two)
    unused = read_labels(write(tmp_path / "l.csv", "file,label\nX/A.TXT,c\nElse,d\n"), two)
    assert unused.note.endswith("not in this run: 1 of 2 rows, such as 'Else'")


def test_text_is_a_table_whatever_the_ending_of_its_name(tmp_path: Path) -> None:
    table = write(tmp_path / "l.xls", "file\tlabel\nx.wav\ta\ny v1.wav\tb\n")
    assert read_labels(table, OWLS).known.tolist() == [0, 1, -1]


@pytest.mark.parametrize("also", [False, True])
def test_a_table_may_lie_in_an_archive(tmp_path: Path, also: bool) -> None:
    write(tmp_path / "d" / "labels.csv", "file,label\na,y\n")
    write(tmp_path / "d" / "a.txt", "the sun of day\n")
    write(tmp_path / "d" / "b.txt", "the rain of day\n")
    with tarfile.open(tmp_path / "d.tar", "w") as archive:
        archive.add(tmp_path / "d", "d")
    paths = [tmp_path / "d.tar/d/a.txt", *([tmp_path / "d" / "b.txt"] if also else [])]
    items = Text().read(paths).items
    assert read_labels(tmp_path / "d.tar/d/labels.csv", items).known.tolist() == ([0, -1] if also else [0])
    with pytest.raises(ValueError, match=r"none\.csv does not exist"):
        read_labels(tmp_path / "d.tar/d/none.csv", items)


def test_a_table_of_the_data_in_an_archive_labels_its_own_records(tmp_path: Path) -> None:
    write(tmp_path / "props.csv", MOLECULES)
    with tarfile.open(tmp_path / "d.tar", "w") as archive:
        archive.add(tmp_path / "props.csv", "props.csv")
    items = GraphModality().read([tmp_path / "d.tar"]).items
    assert read_labels(tmp_path / "d.tar/props.csv", items, "Class").known.tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match=r"is the data themselves; say by --label-column"):
        read_labels(tmp_path / "d.tar/props.csv", items)


NUMBERED = {
    "of pandas": ",file,label\n0,b/3.npy,d\n1,b/2.npy,c\n2,1.npy,b\n3,0.npy,a\n",
    "whatever the files are called": ",clip,label\n0,3.npy,d\n1,2.npy,c\n2,1.npy,b\n3,0.npy,a\n",
    "ids": "id,filename,label\n0,3.npy,d\n1,2.npy,c\n2,1.npy,b\n3,0.npy,a\n",
    "files without endings": "row,path,label\n0,3,d\n1,2,c\n2,1,b\n3,0,a\n",
    "of people": "subject,clip,label\n0,3.npy,d\n0,2.npy,c\n1,1.npy,b\n1,0.npy,a\n",
    "two files in a row": "file,like,label\n0.npy,3.npy,a\n1.npy,0.npy,b\n2.npy,1.npy,c\n3.npy,2.npy,d\n",
}


@pytest.mark.parametrize("case", NUMBERED)
def test_numbers_of_rows_are_no_names_of_files_that_are_numbered(case: str, tmp_path: Path) -> None:
    paths = tuple(tmp_path / "b" / f"{number}.npy" for number in range(4))
    (tmp_path / "l.csv").write_text(NUMBERED[case])
    found = read_labels(tmp_path / "l.csv", Files(paths, str))
    assert isinstance(found.target, Classes)
    assert [found.target.names[number] for number in found.known.tolist()] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("read", [GraphModality().read, Text(field="smiles").read])
def test_of_two_columns_of_one_name_neither_is_meant(read: Callable[[list[Path]], Any], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("smiles,act,act\nCCO,1,5\nCCC,2,6\n")
    items = read([tmp_path / "a.csv"]).items
    with pytest.raises(ValueError, match=r"no labels in a column 'act'; their columns are .*'act \(1\)', 'act \(2\)'"):
        record_labels(items, "act", "value")
    assert record_labels(items, "act (1)", "value").known.flatten().tolist() == [1.0, 2.0]
