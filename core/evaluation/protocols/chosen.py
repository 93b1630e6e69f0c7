"""Protocols by name."""

import json
from collections.abc import Sequence

from ...components.description import build
from ...components.registry import PROTOCOLS
from .base import AbstractProtocol

DEFAULT = "knn,probe,clustering"


def protocols_of(asked: str | Sequence[str | AbstractProtocol]) -> dict[str, AbstractProtocol]:
    """Protocols by what they are called in results.

    Args:
        asked: names with commas between them, or a JSON list of components with settings
            (`[{"type": "protocol:knn", "neighbours": [1, 20]}]`), or names and protocols themselves.

    Raises:
        ValueError: for a name that is not installed, settings that make no sense, or a name that comes twice.

    Example:
        >>> protocols_of("knn,probe")["knn"].neighbours
        (20,)
    """
    parts: list[object]
    if isinstance(asked, str):
        text = asked.strip()
        parts = _from_json(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]
    else:
        parts = list(asked)
    if not parts:
        raise ValueError(f"no protocol is named; there are {', '.join(PROTOCOLS.names())}")
    found: dict[str, AbstractProtocol] = {}
    for part in parts:
        name, protocol = _named(part)
        if name in found:
            raise ValueError(f"the protocol {name!r} is named twice; give its variants in one")
        found[name] = protocol
    return found


def _named(part: object) -> tuple[str, AbstractProtocol]:
    protocol = PROTOCOLS.load(part)() if isinstance(part, str) else part
    if not isinstance(protocol, AbstractProtocol):
        raise ValueError(f"a protocol is one of {', '.join(PROTOCOLS.names())} or an AbstractProtocol, got {part!r}")
    name = part if isinstance(part, str) else PROTOCOLS.name_of(type(protocol))
    return name or type(protocol).__name__, protocol


def _from_json(text: str) -> list[object]:
    try:
        described = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f'protocols are names with commas, or JSON such as \'[{{"type": "protocol:knn", "neighbours": [5]}}]\', '
            f"got {text!r}: {error}"
        ) from error
    return list(build(described))
