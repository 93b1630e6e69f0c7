"""Types are checked at every call in tests, with and without a memory of axis sizes."""

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any, Literal, TypeVar

import jaxtyping
import pytest
import torch
from beartype import beartype
from jaxtyping import Float, TypeCheckError
from torch import Tensor

from gestalt.core.components import registry
from gestalt.core.data.feature_map import FeatureMap
from tests import checks_of_types
from tests.checks_of_types import names_axes

Rows = Float[Tensor, "rows dim"]
Item = TypeVar("Item")
Table = TypeVar("Table", bound=Rows)


def plain(one: int, two: str | None = None, *rest: dict[str, list[float]]) -> tuple[int, ...]:  # noqa: ARG001
    return (one,)


def of_functions(one: Callable[[int], str], two: Item, three: Literal["a"]) -> Item:  # noqa: ARG001
    return two


def nested(one: dict[str, tuple[Rows, ...] | None]) -> None: ...


def of_arguments(one: Callable[[Rows], Any]) -> None: ...


def bound(one: Table) -> Table:
    return one


def returned() -> Rows:
    return torch.zeros(1, 1)


def quoted(one: "FeatureMap") -> None: ...


@pytest.mark.parametrize("function", [plain, of_functions])
def test_functions_that_name_no_axis_are_told_apart(function: Any) -> None:
    assert not names_axes(function)


@pytest.mark.parametrize("function", [nested, of_arguments, bound, returned, quoted])
def test_where_an_axis_is_named_or_an_annotation_cannot_be_read_jaxtyping_checks(function: Any) -> None:
    assert names_axes(function)


def test_wrong_types_and_axes_of_two_sizes_are_refused_in_the_package() -> None:
    with pytest.raises(TypeCheckError, match="point"):
        registry.load_point("grouper", "k-means")  # type: ignore[arg-type]
    with pytest.raises(TypeCheckError, match="valid"):
        FeatureMap(torch.zeros(2, 3, 4), torch.ones(2, 5, dtype=torch.bool), None)
    assert registry.load_point("class", EntryPoint("a", "builtins:int", "none")) is int


def test_nothing_is_checked_where_jaxtyping_is_told_so() -> None:
    checked = checks_of_types.jaxtyped(plain, typechecker=beartype)
    wrong: Any = "one"
    with pytest.raises(TypeCheckError):
        checked(wrong)
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        assert checked(wrong) == ("one",)
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
