"""What users configure: `RetryPolicy`, refused where it is written when it makes no sense."""

import math
from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass, field
from inspect import iscoroutinefunction
from typing import Any, Literal
from warnings import warn

from agent_tools._core.effects import DoubtfulCall
from agent_tools._core.failure import CategoryName, ErrorCategory, Failure
from agent_tools._core.records import ShortRepr, explains_names

_RETRIED_BY_DEFAULT = frozenset({ErrorCategory.RETRYABLE})

#: What other libraries call the same things.
_ADVICE = {
    "max_retries": "use max_attempts, which counts the first call, too (max_retries=3 is max_attempts=4)",
    "retries": "use max_attempts, which counts the first call, too (retries=3 is max_attempts=4)",
    "attempts": "use max_attempts",
    "timeout": "use attempt_timeout for one attempt, or deadline for all of them",
    "backoff_factor": "use multiplier",
    "initial_delay": "use base_delay",
    "initial_interval": "use base_delay",
    "max_interval": "use max_delay",
}


@explains_names(_ADVICE)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RetryPolicy(ShortRepr):
    """How often and how long a tool call is tried. All times are seconds.

    Change one with `dataclasses.replace(policy, max_attempts=5)`.

    >>> from agent_tools import RetryPolicy
    >>> patient = RetryPolicy(max_attempts=5, deadline=120.0)
    >>> refund = RetryPolicy(idempotent=False)

    Attributes:
        max_attempts: Calls in total, the first one included. 1 means: never again.
        base_delay: Longest wait before the first retry.
        multiplier: How much longer each further wait is.
        throttled_delay: Like `base_delay`, after HTTP 429 and its like; waits grow by 2 from there.
        max_delay: No wait of ours is longer. A wait that the server asks for may be.
        jitter: The part of each wait that is left to chance, 0.0 for none. The default makes
            waits of 50 to 100 %, so that calls which failed together do not come back together.
        deadline: Attempts and waits of one call end within this time; None for no limit. In a sync run
            it holds between attempts; set `attempt_timeout` to be answered in time there, too.
        attempt_timeout: Longest time of one attempt; None for no limit but the deadline. An async tool is
            canceled and awaited; one that has not ended a second later is canceled again, and so on each second,
            so let what it does at its end be shorter. A sync tool then runs in a thread of its own, which nothing
            can stop: the model is told that it may still be running, and its late result is dropped.
        max_retry_after: A server that asks for a longer wait is not waited for: the model is told
            the time instead. A shorter one (`Retry-After`) holds for all calls to that server.
        retry_on: The categories that are retried.
        classify: Rules for the errors of this tool, asked before all others; see `ToolErrorHandler`.
        idempotent: True when calling the tool twice does no harm, False when it does (a refund): then
            it is run again only when it is known that the attempt changed nothing, which needs the request hook
            (`send_idempotency_key`) or `verify`. None: not declared; it is retried as `retry_on` says.
        verify: Asked after a failure that may have acted, with a `DoubtfulCall`, sync or async: did the call happen?
            It returns the result of the call, as the tool would have; True when it happened and there is no more
            to say; False when it did not happen, which makes a retry safe (after timeouts and broken connections,
            too); None when that is unknown. Its own passing errors are retried like those of a tool; after all
            others the outcome is unknown. Asking counts towards the `deadline`. A tool with a `verify` is
            `idempotent=False` unless declared otherwise.
        verify_after: Seconds to wait before `verify` is asked, for services that show late what they have done.
        failed_when: Says for a returned `ToolMessage` or `Command` whether it is a failure: a category, a whole
            `Failure`, True for one that is retried, or False. None: a result is a failure when its status says so.
        key_by: What makes two calls one for `idempotency_key()`: "call", the place of the call in its message, or
            "arguments", tool and arguments, so that a call which the model makes again has the key of the first.
    """

    max_attempts: int = 3
    base_delay: float = 0.4
    multiplier: float = 5.0
    throttled_delay: float = 2.0
    max_delay: float = 20.0
    jitter: float = 0.5
    deadline: float | None = 60.0
    attempt_timeout: float | None = None
    max_retry_after: float = 120.0
    retry_on: Iterable[ErrorCategory | CategoryName] = _RETRIED_BY_DEFAULT
    classify: Any = ()  # agent_tools._classify.Rules, which is above this floor
    idempotent: bool | None = None
    verify: Callable[[DoubtfulCall], Any] | None = None
    verify_after: float = 0.0
    failed_when: Callable[[Any], bool | str | Failure | None] | None = None
    key_by: Literal["call", "arguments"] = "call"
    share_waits: InitVar[bool | None] = None
    """No longer has an effect: what a server asks of one call always holds for all."""
    longest_attempt: float = field(init=False, repr=False, compare=False)
    """Seconds that the first attempt may take at the most; infinite for no limit."""
    longest_call: float = field(init=False, repr=False, compare=False)
    """The deadline; infinite for no limit."""

    def __post_init__(self, share_waits: bool | None) -> None:  # the field
        """Refuse nonsense here, where the mistake is, and not on the first failure."""
        if share_waits is not None:
            warn("share_waits has no effect any more: waits are always shared", DeprecationWarning, stacklevel=4)
        require_count("max_attempts", self.max_attempts)
        for name in ("base_delay", "throttled_delay", "max_delay", "max_retry_after", "verify_after"):
            require_seconds(name, getattr(self, name))
        require_multiplier("multiplier", self.multiplier)
        require_fraction("jitter", self.jitter)
        for name in ("deadline", "attempt_timeout"):
            _require_limit(name, getattr(self, name))
        if self.idempotent is not None and not isinstance(self.idempotent, bool):
            raise TypeError(f"idempotent must be True, False or None, not {self.idempotent!r}")
        _require_verify(self)
        if self.failed_when is not None and not callable(self.failed_when):
            raise TypeError(f"failed_when must be a function of the result, or None, not {self.failed_when!r}")
        if is_async(self.failed_when):
            raise TypeError(
                f"failed_when must not be async, as {self.failed_when!r} is: what it returns is always true"
            )
        if self.key_by not in ("call", "arguments"):
            raise ValueError(f"key_by must be 'call' or 'arguments', not {self.key_by!r}")
        if self.verify is not None and self.idempotent is None:
            object.__setattr__(self, "idempotent", False)
        object.__setattr__(self, "retry_on", _categories(self.retry_on))
        object.__setattr__(self, "longest_call", math.inf if self.deadline is None else self.deadline)
        limits = [limit for limit in (self.attempt_timeout, self.deadline) if limit is not None]
        object.__setattr__(self, "longest_attempt", min(limits, default=math.inf))


def _require_verify(policy: RetryPolicy) -> None:
    if policy.verify is not None and not callable(policy.verify):
        raise TypeError(f"verify must be a function of a DoubtfulCall, or None, not {policy.verify!r}")
    if policy.deadline is not None and policy.verify_after >= policy.deadline:
        raise ValueError(f"verify_after must be below the deadline, {policy.deadline!r}, not {policy.verify_after!r}")


def require_count(name: str, value: object) -> None:
    """Raise unless `value` is a whole number, at least 1."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, at least 1, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value!r}")


def require_seconds(name: str, value: object) -> None:
    """Raise unless `value` is a finite number of seconds, at least 0."""
    if not _is_number(value) or value < 0:  # type: ignore[operator]  # _is_number has just said so
        raise ValueError(f"{name} must be a finite number of seconds, at least 0, not {value!r}")


def require_multiplier(name: str, value: object) -> None:
    """Raise unless `value` is a finite number, at least 1."""
    if not _is_number(value) or value < 1:  # type: ignore[operator]  # see above
        raise ValueError(f"{name} must be a finite number, at least 1, not {value!r}")


def require_fraction(name: str, value: object) -> None:
    """Raise unless `value` is a number from 0 to 1."""
    if not _is_number(value) or not 0 <= value <= 1:  # type: ignore[operator]  # see above
        raise ValueError(f"{name} must be a number from 0 to 1, not {value!r}")


def _require_limit(name: str, value: float | None) -> None:
    if value is not None and (not _is_number(value) or value <= 0):
        raise ValueError(f"{name} must be a finite number of seconds above 0, or None, not {value!r}")


def is_async(given: object) -> bool:
    """Return whether what `given` returns has to be awaited, as far as can be seen beforehand."""
    return iscoroutinefunction(given) or iscoroutinefunction(getattr(given, "__call__", None))  # noqa: B004  # its hook


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _categories(given: Iterable[object]) -> frozenset[ErrorCategory]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"retry_on must be a set of categories, not {given!r}")
    names = [category.value for category in ErrorCategory]
    named = list(given)  # an iterator can be read once
    for category in named:
        if category not in names:
            hint = "; error types go into `classify`" if isinstance(category, type) else ""
            raise ValueError(f"retry_on names {category!r}, but the categories are {', '.join(names)}{hint}")
    return frozenset(category for category in ErrorCategory if category in named)
