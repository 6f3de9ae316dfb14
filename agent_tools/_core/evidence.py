"""What is known about the effects of an attempt: may it have changed anything?

An error proves something about its own request, not about the attempt: a tool that charged a card and was then refused
its receipt has acted. So each request that the attempt sent is judged by itself. The rules:

1. If no request was seen, only the error's own is known, which is too little for a tool that must not act twice.
2. A request that only reads (RFC 9110, 9.2.1) changes nothing.
3. A request that was refused, or never got a connection, was not carried out.
4. An error may prove the same about the request that it belongs to.
5. Every other request may have acted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from agent_tools._core.failure import Failure

#: RFC 9110, 9.2.1.
_READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

#: The same request is to be sent to another place (RFC 9110, 15.4.8 and 15.4.9).
_ELSEWHERE = frozenset({307, 308})

_UNAVAILABLE = 503


def changes_something(method: str) -> bool:
    """Return whether requests with this method may change something."""
    return method not in _READING


def is_refusal(status: int, *, names_wait: bool) -> bool:
    """Return whether an answer says that its request was not carried out.

    Args:
        status: Of the answer.
        names_wait: It has a `Retry-After`: then a 503 was sent by something in front of the work.
    """
    return 400 <= status < 500 or status in _ELSEWHERE or (status == _UNAVAILABLE and names_wait)  # noqa: PLR2004  # 4xx


@dataclass(slots=True)
class SentRequest:
    """One request of an attempt and how far it got, as its sender notes it.

    Attributes:
        method: In capital letters.
        is_refused: As far as is known, it was not carried out.
    """

    method: str
    is_refused: bool = False
    _has_left: bool = False
    _acted_before: bool = False

    @property
    def may_have_acted(self) -> bool:
        """Whether it may have changed something."""
        return changes_something(self.method) and (self._acted_before or not self.is_refused)

    @property
    def may_have_acted_before(self) -> bool:
        """Whether an earlier sending may have changed something, by a client that resends it on its own."""
        return changes_something(self.method) and self._acted_before

    def is_sent_again(self) -> None:
        """Note that its client starts it again, possibly without having seen what became of it before."""
        self._acted_before = self._acted_before or not self.is_refused
        self._has_left = self.is_refused = False

    def leaves(self) -> None:
        """Note that it is being sent; a layer below its client may send it more than once."""
        self._acted_before = self._acted_before or (self._has_left and not self.is_refused)
        self._has_left, self.is_refused = True, False

    def was_not_connected(self) -> None:
        """Note that no connection could be made for it."""
        self.is_refused = self.is_refused or not self._has_left

    def was_answered(self, status: int, *, names_wait: bool) -> None:
        """Note the status of its response; see `is_refusal`."""
        self.is_refused = is_refusal(status, names_wait=names_wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The requests of a failed attempt.

    Attributes:
        others: The requests that the error says nothing about.
        own: The request that the error belongs to, or None.
        is_complete: False when the error belongs to a request that was not seen: others may have been missed, too.
    """

    others: tuple[SentRequest, ...]
    own: SentRequest | None = None
    is_complete: bool = True

    @classmethod
    def of(cls, requests: Iterable[SentRequest], own: SentRequest | None, *, is_complete: bool) -> Self:
        """Return the evidence of all `requests`, one of which may be the error's `own`."""
        return cls(others=tuple(each for each in requests if each is not own), own=own, is_complete=is_complete)


def may_have_acted(failure: Failure, evidence: Evidence | None, *, must_not_act_twice: bool) -> bool:
    """Return whether an attempt that ended with `failure` may have changed something.

    Args:
        failure: What the error says.
        evidence: The requests that were seen; None when none was.
        must_not_act_twice: Whether its tool is declared `idempotent=False`, or has a `verify`.
    """
    if evidence is None:
        return must_not_act_twice or failure.may_have_acted
    own = evidence.own
    if any(each.may_have_acted for each in evidence.others) or (own is not None and own.may_have_acted_before):
        return True
    if not evidence.is_complete:
        return must_not_act_twice or failure.may_have_acted
    return failure.may_have_acted and (own is None or own.may_have_acted)
