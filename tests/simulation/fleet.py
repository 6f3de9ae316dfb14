"""How many worker processes share the load."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The workers of a run: each has a node of its own, and operations come to any of them.

    Attributes:
        workers: How many there are.
    """

    workers: int = 1

    def __str__(self) -> str:
        return "1 worker" if self.workers == 1 else f"{self.workers} workers"


ALONE = Fleet()
