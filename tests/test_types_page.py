"""The page of types in a real browser: what is typed there is kept, saved, and read again."""

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from gestalt.core.runs.types.names import read_names
from gestalt.core.runs.types.object_types import ObjectTypes
from gestalt.core.runs.types.page import Member, TypeSection, TypesPage, bars, to_types_page
from gestalt.core.storage.csv_file import meant
from tests.small_types import small_types

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = "=cmd|\"</script><img src=x onerror=alert(1)>,'.wav"
NAMES = ("owl", '=1+1, "barn" owl', "-2", "@sum", "+a", "\u00e4 \u8a9e <b>", "'tis", "  two   words ")


def page_of(types: ObjectTypes, names: tuple[str, ...] = ("", "")) -> str:
    """Two types, of which each shows two objects of a file with a hostile name."""

    def member(number: int) -> Member:
        return Member(
            Markup("<p>shown</p>"), f"{HOSTILE} [0.0\u20134.0 s]", HOSTILE, "0.0\u20134.0 s", number, "1.2", False
        )

    sections = tuple(
        TypeSection(
            kind + 1,
            name,
            "2 objects.",
            (),
            (("Nearest", (member(2 * kind), member(2 * kind + 1))),),
            bars([2]),
            2,
            ((HOSTILE, 2),),
            0,
        )
        for kind, name in enumerate(names)
    )
    return to_types_page(TypesPage(f"Types in {HOSTILE}", types.digest, HOSTILE, "gestalt types", types=sections))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if BROWSER is None:
        pytest.skip("no chromium is installed, and the page is to be tried in a real browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def types() -> ObjectTypes:
    return small_types(2)


@pytest.fixture
def opened(browser: Any, types: ObjectTypes, tmp_path: Path) -> Iterator[Any]:
    """The page, which must have asked for nothing and complained of nothing in the end."""
    path = tmp_path / "types.html"
    path.write_text(page_of(types), encoding="utf-8")
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    page.on("request", lambda request: heard.append("" if request.url.startswith(("file:", "blob:")) else request.url))
    page.goto(path.as_uri())
    yield page
    context.close()
    assert not any(heard)


def saved(page: Any, folder: Path) -> Path:
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "names.csv"
    path = folder / "names.csv"
    download.value.save_as(path)
    return path


def test_what_is_typed_and_ticked_is_saved_as_a_table_that_is_read_again(
    opened: Any, types: ObjectTypes, tmp_path: Path
) -> None:
    opened.fill("#name-1", '=1+1,  "barn" owl')
    opened.locator("input.wrong").nth(1).check()
    path = saved(opened, tmp_path)
    assert "Saved names.csv: 1 named, 1 wrong" in opened.inner_text("#said")
    found = read_names(path, types)
    assert found.names == {0: '=1+1, "barn" owl'}
    ((file, record, number),) = found.wrong
    assert (record, number) == ("0.0\u20134.0 s", 1)
    assert file.endswith(HOSTILE.rpartition("/")[2])
    with path.open(encoding="utf-8-sig", newline="") as table:
        cells = [cell for row in csv.reader(table) for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@", "\t")], "no cell is a formula"


def test_names_escape_as_in_all_tables(opened: Any) -> None:
    for name in NAMES:
        written = opened.evaluate("(text) => cell(text)", name)
        (row,) = csv.reader([written])
        assert meant(row[0]) == (name if name != "'tis" else "'tis"), name
        assert row[0][:1] not in ("=", "+", "@"), name


def test_what_was_typed_is_there_after_a_reload(opened: Any) -> None:
    opened.fill("#name-2", "tawny owl")
    opened.locator("input.wrong").nth(2).check()
    assert "Kept in this browser" in opened.inner_text("#said")
    opened.reload()
    assert opened.input_value("#name-2") == "tawny owl"
    assert [opened.locator("input.wrong").nth(place).is_checked() for place in range(4)] == [False, False, True, False]
    assert "As you left it" in opened.inner_text("#said")


def test_a_browser_that_keeps_nothing_says_so_and_saves_all_the_same(
    opened: Any, types: ObjectTypes, tmp_path: Path
) -> None:
    opened.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } });")
    opened.reload()
    assert "keeps nothing over a reload" in opened.inner_text("#said")
    opened.fill("#name-1", "owl")
    assert "keeps nothing over a reload" in opened.inner_text("#said")
    assert read_names(saved(opened, tmp_path), types).names == {0: "owl"}


def test_hostile_names_are_text_and_no_other_script_runs(opened: Any) -> None:
    assert HOSTILE in opened.inner_text("h1")
    assert opened.locator("img").count() == 0


def test_the_page_runs_no_script_but_its_own(browser: Any, types: ObjectTypes, tmp_path: Path) -> None:
    path = tmp_path / "types.html"
    changed = "<img src=x onerror='document.title = 1'><script>document.title = 2</script></main>"
    path.write_text(page_of(types).replace("</main>", changed), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    assert page.title() == f"Types in {HOSTILE} \u00b7 Gestalt"
    page.close()


def test_names_that_were_given_before_stand_in_the_fields(types: ObjectTypes) -> None:
    text = page_of(types, ('a "b" <c>', ""))
    assert 'value="a &#34;b&#34; &lt;c&gt;"' in text
