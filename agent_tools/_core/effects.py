"""What a failed call has changed, and the record of the call that `verify` gets when that is unknown."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agent_tools._core.failure import Failure


class Effect(StrEnum):
    """What a call that failed has changed.

    >>> from agent_tools import Effect
    >>> Effect("unknown")
    <Effect.UNKNOWN: 'unknown'>
    """

    NONE = "none"
    """Nothing: it did not run, or what it sent was refused."""
    UNKNOWN = "unknown"
    """It may have acted."""
    HAPPENED = "happened"
    """It took effect, as `RetryPolicy.verify` says, and the model reads its result."""
    DID_NOT_HAPPEN = "did_not_happen"
    """It had no effect, as `RetryPolicy.verify` says, so it can be made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtfulCall:
    """A call that failed and may have acted: the argument of `RetryPolicy.verify`.

    >>> from agent_tools import DoubtfulCall, RetryPolicy
    >>> paid_back = {"A-1": "5 EUR"}
    >>> def verify(call: DoubtfulCall) -> str | bool:
    ...     amount = paid_back.get(call.arguments["order"])
    ...     return False if amount is None else f"Paid back {amount}."
    >>> policy = RetryPolicy(idempotent=False, verify=verify)

    Attributes:
        tool: Name of the tool.
        arguments: As the model gave them.
        idempotency_key: What `idempotency_key()` returned inside the tool.
        failure: What went wrong; its `rule` is "cut off" for a call whose process ended before a result was recorded.
    """

    tool: str
    arguments: dict[str, Any]
    idempotency_key: str
    failure: Failure
