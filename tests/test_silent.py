"""What libraries in C write to standard error by themselves is dropped, also where one decoder asks another."""

import os
import threading

import pytest

from gestalt.core.storage.damage import silent


def test_what_is_written_to_standard_error_is_dropped_within_and_heard_after(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with silent():
        os.write(2, b"within")
        with silent():
            os.write(2, b"within both")
        os.write(2, b"within again")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_a_decoder_that_asks_another_one_does_not_wait_for_itself() -> None:
    def nested() -> None:
        with silent(), silent():
            pass

    thread = threading.Thread(target=nested, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_an_error_within_is_raised_and_standard_error_is_heard_again(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="torn"), silent():
        raise ValueError("torn")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"
