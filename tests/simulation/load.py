"""The load: who wants what, and when. It is the same for all contenders, whatever happens to them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

AGENTS = 500
OPERATIONS_A_SECOND = 60.0
SICK_SHARE = 0.5
WRITE_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One tool call that an agent wants to make.

    Attributes:
        number: Identifies the operation.
        at: When, in seconds.
        agent: Who wants it; an agent that still waits for another operation skips it.
        service: "sick" or "healthy".
        is_write: Whether it must not be carried out twice.
    """

    number: int
    at: float
    agent: int
    service: str
    is_write: bool


def operations(
    *, seed: int, until: float, rate: float = OPERATIONS_A_SECOND, sick_share: float = SICK_SHARE
) -> Iterator[Operation]:
    """Yield operations in order of time: a Poisson stream of `rate` a second, a share of them on the sick service."""
    chance = random.Random(seed)  # noqa: S311  # the same load each time
    at, number = chance.expovariate(rate), 0
    while at < until:
        yield Operation(
            number=number,
            at=at,
            agent=chance.randrange(AGENTS),
            service="sick" if chance.random() < sick_share else "healthy",
            is_write=chance.random() < WRITE_SHARE,
        )
        at, number = at + chance.expovariate(rate), number + 1
