"""Texts of joined files, with soft hyphens, and sentences that begin with a node without a word."""

from pathlib import Path

import numpy as np
import pytest

from gestalt.core.tables.lines import lines_of
from gestalt.core.tables.rows import table_of
from gestalt.modalities.text import Text
from gestalt.modalities.text.words import split


def words_of(path: Path) -> list[tuple[str, ...]]:
    items = Text().read([path]).items
    return [items.read(index, np.random.default_rng(0)).words for index in range(len(items))]


def test_a_hyphen_that_shows_at_the_end_of_a_line_alone_cuts_no_word() -> None:
    assert split("Donau\u00addampf\u00adschiff \u00ad")[0] == ("Donau\u00addampf\u00adschiff", "\u00ad")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_files_that_were_joined_have_no_byte_order_mark_for_a_word(encoding: str, tmp_path: Path) -> None:
    path, text = tmp_path / "a.txt", "\ufeff\ufeffone line\n\ufeffanother line\n\ufeff\n\x1a"
    path.write_bytes(text.encode(encoding))
    assert words_of(path) == [("one", "line"), ("another", "line")]
    lines, content, after = list(lines_of(path)), path.read_bytes(), text.removeprefix("\ufeff")
    assert [line.text for line in lines] == ["one line\n", "another line\n", "\n"]
    assert [content[line.begin : line.end].decode(encoding) for line in lines] == [line.text for line in lines]
    assert [after[line.start :][: len(line.text)] for line in lines] == [line.text for line in lines]


def test_tables_of_dos_end_where_their_rows_do(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\r\n1,one\r\n\x1a", newline="")
    assert [row.cells for row in table_of(tmp_path / "a.csv")[1]] == [("1", "one")]


def test_an_empty_node_before_the_first_word_hides_no_words(tmp_path: Path) -> None:
    rows, more = ["0.1\tit\tit\tPRON", "1\tRains\train\tVERB", "1.1\tx\tx\tX", "2\ttoday\ttoday\tADV"], "\t_" * 6
    text = "# sent_id = a\n" + "".join(f"{row}{more}\n" for row in rows)
    (tmp_path / "a.conllu").write_text(f"{text}\n{text}\n")
    assert words_of(tmp_path / "a.conllu") == [("Rains", "today")] * 2
