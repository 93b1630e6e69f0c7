"""Found spans in CoNLL-U, the ten columns of Universal Dependencies."""

from collections.abc import Sequence

from gestalt.core.data.trees import ItemTree

from .data import Passage
from .spans import Span, tags_of


def conllu_lines(
    item: Passage,
    spans: Sequence[Span],
    number: int,
    source: str,
    continued: bool = False,
    called: str = "",
    tree: ItemTree | None = None,
) -> str:
    r"""One passage as a sentence of CoNLL-U; nothing is known of lemmas and parts of speech: they are `_`.

    The last column has the span, as `B-2`, `I-2` (not where a word is in none), whether white space follows
    (`SpaceAfter=No`), and the word's characters in the file (`TokenRange=0:5`, the end exclusive).

    Args:
        item: the passage.
        spans: its spans.
        number: of the passage among those that are written, from 1: a name must not hold a slash.
        source: the file and the line, for the comment.
        continued: the first span began in the passage before.
        called: what its record is called in the source, for the comment; none where it is called nothing.
        tree: of its words, for HEAD and DEPREL, with how sure each head is in the last column (`HeadScore=0.87`).

    Example:
        >>> import torch
        >>> from .spans import spans_of
        >>> item = Passage.of("Old men\nsaw it.")
        >>> print(conllu_lines(item, spans_of(item, torch.tensor([2, 2, -1, 0, -1])), 1, "a.txt:1"), end="")
        # sent_id = 1
        # source = a.txt:1
        # text = Old men saw it.
        1	Old	_	_	_	_	_	_	_	Span=B-2|TokenRange=0:3
        2	men	_	_	_	_	_	_	_	Span=I-2|TokenRange=4:7
        3	saw	_	_	_	_	_	_	_	TokenRange=8:11
        4	it	_	_	_	_	_	_	_	SpaceAfter=No|Span=B-0|TokenRange=12:14
        5	.	_	_	_	_	_	_	_	TokenRange=14:15
        <BLANKLINE>

    Source: https://universaldependencies.org/format.html
    """
    words = [" ".join(word.split()) for word in item.words]
    followed = [*(bool(gap) for gap in item.gaps[1:-1]), False]
    text = "".join(word + " " * space for word, space in zip(words, followed, strict=True))
    rows = [f"# sent_id = {number}", f"# source = {' '.join(source.split())}"]
    rows += [f"# source_id = {' '.join(called.split())}"] if called else []
    rows.append(f"# text = {text}")
    tags, places = tags_of(item, spans, continued), item.spans
    for place, (word, tag) in enumerate(zip(words, tags, strict=True)):
        begin, end = places[place]
        last = place + 1 == len(words)
        misc = [] if followed[place] or last else ["SpaceAfter=No"]
        misc += [] if tag == "O" else [f"Span={tag}"]
        arc = ["_", "_"]
        if tree is not None:
            parent = int(tree.parents[place])
            arc = [str(0 if parent == place else parent + 1), tree.relations[place]]
            misc.insert(0, f"HeadScore={float(tree.scores[place]):.4g}")
        shown = "|".join((*misc, f"TokenRange={begin}:{end}"))
        rows.append("\t".join((str(place + 1), word, *["_"] * 4, *arc, "_", shown)))
    return "\n".join([*rows, "", ""])
