"""A recording is shown with what was found, what is true, and a player; its texts stay text."""

import base64
import io
import re
import warnings

import numpy as np
import pytest
import soundfile
import torch

from gestalt.core.data.feature_map import Grid
from gestalt.core.report import fonts
from gestalt.modalities.audio import MODALITY, Recording
from gestalt.modalities.audio.encoders import LogMel
from gestalt.modalities.audio.render import found_events, true_events

SPECIMEN = MODALITY.specimens()[0]
GRID = LogMel()(MODALITY.collate([SPECIMEN.item])).grid


def embedded(page: str, kind: str) -> bytes:
    found = re.search(rf'"data:{kind};base64,([^"]+)"', page)
    assert found is not None, f"no {kind}"
    return base64.b64decode(found[1])


def test_names_with_html_formulas_or_rare_letters_stay_text() -> None:
    truth = [("<script>alert(1)</script>", (0.1, 0.5)), ('$\\frac{a$ & "鳥"', (0.6, 1.0)), ("$x$", (1.0, 1.1))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that this system may have no font for
        page = MODALITY.render(SPECIMEN.item, SPECIMEN.labels, GRID, truth)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&quot;鳥&quot;" in page


def test_the_player_plays_the_recording_even_above_full_scale() -> None:
    loud = Recording(SPECIMEN.item.samples * 4, 16_000)
    samples, rate = soundfile.read(io.BytesIO(embedded(MODALITY.render(loud, SPECIMEN.labels, GRID), "audio/flac")))
    assert rate == 16_000
    expected = (loud.samples / loud.samples.abs().max()).numpy()
    assert np.abs(samples - expected).max() < 1e-3


def test_the_picture_is_a_png_that_grows_with_the_lanes() -> None:
    few = embedded(MODALITY.render(SPECIMEN.item, SPECIMEN.labels, GRID), "image/png")
    many = embedded(MODALITY.render(SPECIMEN.item, torch.arange(62) % 12, GRID, SPECIMEN.truth), "image/png")
    assert few.startswith(b"\x89PNG")
    width, height = (int.from_bytes(few[at : at + 4]) for at in (16, 20))
    assert width == 1800
    assert int.from_bytes(many[20:24]) > height + 400


def test_events_are_runs_of_elements_in_seconds_in_order_of_onset() -> None:
    cells = Grid.uniform((3, 2), (1.0, 1.0), (-0.5, 8.0))
    assert found_events(torch.tensor([7, -1, 7, 2, -1, 2]), cells) == [
        ("object 1", 0.0, 1.5, 0),
        ("object 2", 0.5, 2.5, 1),
    ]
    assert true_events([("dog", (2, 3)), ("cat", (0, 1)), ("dog", (0.5, 1))]) == [
        ("cat", 0.0, 1.0, 0), ("dog", 0.5, 1.0, 1), ("dog", 2.0, 3.0, 1),
    ]  # fmt: skip


def test_silence_nothing_found_and_a_late_start_are_shown() -> None:
    silent = Recording(torch.zeros(32_000), 16_000, start=3600.0)
    page = MODALITY.render(silent, torch.full((62,), -1), GRID)
    assert "0 objects in 0 stretches" in page
    assert "found: nothing" in page


def test_elements_without_a_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="no grid"):
        MODALITY.render(SPECIMEN.item, SPECIMEN.labels, None)
    with pytest.raises(ValueError, match="62 cells, found names 3"):
        MODALITY.render(SPECIMEN.item, torch.zeros(3, dtype=torch.long), GRID)


def picture(truth: list[tuple[str, tuple[float, float]]]) -> bytes:
    return embedded(MODALITY.render(SPECIMEN.item, SPECIMEN.labels, GRID, truth), "image/png")


def test_a_name_that_no_font_can_write_is_a_number_in_the_picture_and_a_name_below_it() -> None:
    unwritten = chr(0x10FFFD)  # of the letters that nobody has: fonts show a box for it
    with pytest.warns(UserWarning, match="no font of this system has the letters of .*install a font of that script"):
        page = MODALITY.render(SPECIMEN.item, SPECIMEN.labels, GRID, [(unwritten, (0.1, 0.5)), ("bird", (0.6, 1.0))])
    assert f"true: {unwritten} (1), bird</figcaption>" in page
    assert embedded(page, "image/png") == picture([("(1)", (0.1, 0.5)), ("bird", (0.6, 1.0))])


def test_letters_of_another_script_are_taken_from_a_font_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {
        "nothing.ttf": frozenset[int](),
        "kana.ttf": frozenset(map(ord, "とり")),
        "han.ttf": frozenset({ord("鳥")}),
    }
    monkeypatch.setattr(fonts, "_letters", lambda path: others.get(path, frozenset(range(128))))
    monkeypatch.setattr(fonts, "_others", lambda: tuple((path.removesuffix(".ttf"), path) for path in others))
    assert fonts.families_for("bird 1") == ("DejaVu Sans",)
    assert fonts.families_for("鳥 とり a") == ("DejaVu Sans", "kana", "han")
    assert fonts.families_for("새") is None
    monkeypatch.setattr(fonts, "_shapes", lambda: False)
    assert fonts.families_for("طائر") is None, "its letters would stand apart and in reverse"


def test_a_font_that_draws_boxes_has_no_letters() -> None:
    assert not any("Last Resort" in family for family, _ in fonts._others())
