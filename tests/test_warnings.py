"""Warnings are errors in the tests, but for those of others' sources where an installer compiled nothing."""

import warnings
from pathlib import Path

import pytest

DOUBTFUL = r"'\s'"
"""An invalid escape sequence, of which compilers warn."""


def test_what_compiling_others_sources_warns_of_is_theirs(tmp_path: Path) -> None:
    compile(DOUBTFUL, str(tmp_path / "site-packages" / "library" / "module.py"), "exec")


def test_our_own_sources_compile_without_a_warning(tmp_path: Path) -> None:
    with pytest.raises(SyntaxError, match="invalid escape sequence"):
        compile(DOUBTFUL, str(tmp_path / "gestalt" / "module.py"), "exec")


@pytest.mark.parametrize("category", [DeprecationWarning, SyntaxWarning, UserWarning])
def test_what_others_code_warns_of_as_it_runs_is_an_error(category: type[Warning]) -> None:
    with pytest.raises(category):
        warnings.warn_explicit("old", category, "/lib/site-packages/library/module.py", 1, module="library.module")
