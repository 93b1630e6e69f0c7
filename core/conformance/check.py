"""Every law of a modality by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

from ..modality.base import AbstractModality
from .bench import Bench
from .encoding import collated, learns, padding, partition, settings, vectors, words
from .showing import rendered
from .transplanting import composes, shows
from .travelling import bad, missing, travels
from .viewing import alive, batched, identity, in_range, locality, mark, seeded, shared, unchanged

LAWS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "words: a name, 'raw' and another encoder, two views, two specimens": words,
    "partition: the specimens' labels number the objects of all elements": partition,
    "collate: items become one batch that moves between devices": collated,
    "vectors: every encoder gives one finite vector of length dim per element": vectors,
    "settings: every encoder is built again by its JSON-able settings": settings,
    "padding: features do not depend on which items share the batch": padding,
    "learns: a gradient reaches the weights of every encoder": learns,
    "mark: a specimen is changed at one element and nowhere else": mark,
    "seeded: the same rng gives the same view": seeded,
    "unchanged: no transform changes the item it was given": unchanged,
    "alive: every view has elements, and they are finite": alive,
    "range: a correspondence names elements of its source": in_range,
    "identity: composing with the identity changes nothing": identity,
    "locality: a change goes where the correspondence says, alone, in a row and in the views": locality,
    "batched: a transform that can be made to batches makes of them what it makes of their items one by one": batched,
    "shared: the default views show elements in common": shared,
    "transplants: parts of one specimen are set into another, where that is offered, and owner says what shows which": (
        composes
    ),
    "two sources: a change of host or donor appears in a composed item where that says": shows,
    "travels: views, collate and items go to worker processes and do the same there": travels,
    "missing: reading a path that is not there says so": missing,
    "bad: a file that cannot be read is named, and left out with skip_bad": bad,
    "render: a self-contained HTML fragment with escaped text": rendered,
}
"""Every law by what it says; each gives its counterexamples one by one."""


@final
@dataclass(frozen=True)
class LawResult:
    """Whether a law holds for a modality, and, where it does not, the first counterexample and what to do."""

    law: str
    passed: bool
    counterexample: str = ""


def check(modality: AbstractModality[Any]) -> list[LawResult]:
    """Check every law on the specimens of a modality, with every encoder and every transform that it ships.

    A plug-in's test is one line: `assert all(finding.passed for finding in check(MODALITY))`. It takes seconds for
    small encoders; every encoder must be buildable from the defaults of its settings.
    """
    return list(findings(modality))


def findings(modality: AbstractModality[Any]) -> Iterator[LawResult]:
    """`check`, law by law."""
    bench = Bench(modality)
    for law, counterexamples in LAWS.items():
        yield attempt(law, counterexamples, bench)


def attempt(law: str, counterexamples: Callable[[Bench], Iterator[str]], bench: Bench) -> LawResult:
    """One law, up to its first counterexample."""
    try:
        first = next(counterexamples(bench), "")
    except Exception as error:  # whatever the modality raises is a finding, not a crash of the suite
        first = f"{type(error).__name__} was raised: {error}"
    return LawResult(law, not first, first)
