"""What Python 3.12 and later say of `isinstance` with a protocol, asked beside what the Python of the tests says."""

import inspect
import sys
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OURS = ("gestalt.", "tests.", "benchmarks.")
MISSING = object()


def has_all(protocol: Any, instance: Any) -> bool:
    """As Python 3.12 looks for members: in the instance and its class, never by `__getattr__`.

    A submodule, a parameter or a buffer of a network is found by `__getattr__` alone.
    """
    names = getattr(protocol, "__protocol_attrs__", None) or typing._get_protocol_attrs(protocol)  # type: ignore[attr-defined]
    for name in names:
        found = inspect.getattr_static(instance, name, MISSING)
        if found is MISSING or (found is None and callable(getattr(protocol, name, None))):
            return False
    return True


@contextmanager
def as_later_versions() -> Iterator[None]:
    """Within it, a protocol of this repository fails where it is asked for, if Python 3.12 would answer otherwise."""
    kind: Any = type(typing.Protocol)
    asked = kind.__instancecheck__

    def checked(protocol: Any, instance: Any) -> bool:
        said = bool(asked(protocol, instance))
        if said and getattr(protocol, "_is_runtime_protocol", False) and protocol.__module__.startswith(OURS):
            assert has_all(protocol, instance), (
                f"Python 3.12 and later say that {type(instance).__name__} is no {protocol.__name__}: a member is "
                "found by __getattr__ alone, as submodules, parameters and buffers of networks are; take getattr"
            )
        return said

    if sys.version_info < (3, 12):
        kind.__instancecheck__ = checked
    try:
        yield
    finally:
        kind.__instancecheck__ = asked
