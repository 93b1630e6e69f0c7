"""Files of tables beside one another: which columns most have, and what of their numbers is in doubt."""

from collections import Counter
from collections.abc import Mapping, Sequence

from gestalt.core.data.items import BadItemError
from gestalt.core.shards.records import ADVICE, AbstractRecords
from gestalt.core.tables.numbers import number_in

from .columns import NUMBER
from .data import Schema


def usual_columns(sources: Sequence[AbstractRecords]) -> frozenset[str]:
    """The columns of most files, in any order; of the first where others are as many."""
    return Counter(frozenset(filter(None, source.names)) for source in sources).most_common(1)[0][0]


def further_columns(sources: Sequence[AbstractRecords], usual: frozenset[str]) -> Mapping[str, str]:
    """Columns that only files with others beside the usual ones have, and in how many files they are."""
    names = Counter(name for source in sources for name in set(source.names) if name and name not in usual)
    return {name: f"in {count} of {len(sources)} files" for name, count in names.items()}


def lacking(source: AbstractRecords, sources: Sequence[AbstractRecords], schema: Schema) -> BadItemError | None:
    """Why a file cannot be read beside others: it has not all columns of their schema; None where it has."""
    missing = [name for name in schema.names if name not in source.names]
    if not missing:
        return None
    have = sum(missing[0] in other.names for other in sources)
    return BadItemError(
        str(source.path),
        f"has no column {missing[0]!r}, which {have} of {len(sources)} files have; add it, do without the column "
        f"(--settings exclude={','.join(missing)}), or {ADVICE}",
    )


def doubts(sources: Sequence[AbstractRecords], schema: Schema) -> list[str]:
    """Lines on columns of numbers with marks of which the column itself does not tell what they are."""
    kinds = {column.name: column.kind for column in schema.columns}
    found = dict[str, str]()
    for source in sources:
        for name, cell in source.writings.doubtful.items():
            if kinds.get(name) == NUMBER and name not in found:
                value = number_in(cell, source.writings.of[name])
                found[name] = (
                    f"{cell!r} in the column {name!r} of {source.path} is read as {value:g}: its mark may stand before "
                    "decimals or between thousands, write 1234 or 1234.5"
                )
    return list(found.values())
