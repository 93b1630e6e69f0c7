"""Who shares blocks out to workers."""

import abc
from collections.abc import Iterator, Sequence

from .block import Block
from .work import Work
from .worker import Failed, Written


class AbstractEngine(abc.ABC):
    """Workers of some machines, and how blocks come to them."""

    @abc.abstractmethod
    def run(self, work: Work, blocks: Sequence[Block]) -> Iterator[Written | Failed]:
        """Every block once it is done, in any order. A block whose worker is lost is given to another one.

        A block may be done twice then: its part file is replaced by an equal one.
        """
