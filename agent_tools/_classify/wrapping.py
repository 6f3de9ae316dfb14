"""The errors inside an error, for when the outer one does not give the reason."""

from typing import Any, NamedTuple  # Any: attributes of foreign objects are of any type

from agent_tools._classify.naming import Role
from agent_tools._classify.reading import call, cause_of, is_a, items, members, read
from agent_tools._classify.subject import PLAIN_TYPES, Subject

_MOST_ARGUMENTS = 4
_MOST_LEAVES = 200
_MOST_GROUPS = 4_000

# A class can shadow these names; the descriptors of the builtin classes cannot be shadowed.
_context_of = BaseException.__dict__["__context__"].__get__
_is_cut = BaseException.__dict__["__suppress_context__"].__get__
_members_of = BaseExceptionGroup.__dict__["exceptions"].__get__


class Wrapped(NamedTuple):
    """An error inside another one.

    Attributes:
        error: The inner one.
        meant: Whether it was named as the reason. An error that was merely being handled when the outer one was raised
            (`__context__`) may be the reason or unrelated.
    """

    error: BaseException
    meant: bool


def wrapped_in(subject: Subject) -> Wrapped | None:
    """Return the error that the subject wraps, or None.

    The context of a builtin or standard-library error does not count: a `KeyError` raised while a 503
    was handled is a bug in the handler. `raise ... from None` hides the context as well.
    """
    error = subject.error
    inner = cause_of(error)
    if inner is None:
        inner = _held_by(subject)
    if inner is not None:
        return Wrapped(inner, meant=True)
    context = _context_of(error)
    if context is None or _is_cut(error) or not subject.kind.foreign:
        return None
    return Wrapped(context, meant=False)


def leaves_of(group: BaseException) -> list[BaseException] | None:
    """Return the errors in a group and its inner groups, None when there are too many to examine."""
    leaves: list[BaseException] = []
    pending = [group]
    for _ in range(_MOST_GROUPS):
        if not pending:
            return leaves
        member = pending.pop()
        inner = _members_of(member) if is_a(member, BaseExceptionGroup) else None
        if inner is None:
            leaves.append(member)
        else:
            pending.extend(reversed(inner))
        if len(leaves) + len(pending) > _MOST_LEAVES:
            return None
    return None


def _held_by(subject: Subject) -> BaseException | None:
    values = [*subject.find(Role.WRAPPED), *subject.kept(), *subject.args[:_MOST_ARGUMENTS]]
    for attempt in subject.find(Role.ATTEMPT):
        values[:0] = call(attempt, "exception", 0), read(attempt, "value")
    for value in values:
        error = None if issubclass(type(value), PLAIN_TYPES) else _error_in(value)
        if error is not None:
            return error
    return None


def _error_in(value: Any) -> BaseException | None:
    """Return `value` when it is an error, or an error in it, the last one of a sequence and the first one of a dict."""
    if issubclass(type(value), BaseException):
        return value  # type: ignore[no-any-return]  # is an error, as the line above found
    if issubclass(type(value), dict):
        return next((part for _, part in items(value) if is_a(part, BaseException)), None)
    for part in reversed(members(value, slice(-_MOST_ARGUMENTS, None))):
        error = part if is_a(part, BaseException) else _value_of(part)
        if error is not None:
            return error
    return None


def _value_of(part: Any) -> BaseException | None:
    """Return the error inside an object such as Twisted's `Failure`."""
    if is_a(part, (*PLAIN_TYPES, dict)):
        return None
    value = read(part, "value")
    return value if is_a(value, BaseException) else None
