"""Turn an error into a `Failure`: ask the tables about the error, then about what it wraps.

For each error on the way in, these are tried in order, and the first match counts:

1. the user's rules;
2. a code of its own protocol: database, gRPC, JSON-RPC, SMTP, AMQP, curl, Kafka;
3. the HTTP status, and the code words beside it;
4. its class, from the most derived up; then the number of an `OSError`;
5. a status in its class name, a wait that it asks for, a flag that marks it as retriable;
6. its text, for classes that are not Python's own.

An error that no row matches is NON_RETRYABLE. The walk is bounded and never loops.
"""

import logging
import re
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from agent_tools._classify import wording
from agent_tools._classify.naming import Role
from agent_tools._classify.rules import Rules, ask
from agent_tools._classify.subject import Kind, Subject, kind_of
from agent_tools._classify.tables import builtins as builtins_table
from agent_tools._classify.tables import class_names, databases, http, protocols
from agent_tools._classify.tables.row import PASSING, PERMANENT, Row, worst
from agent_tools._classify.tables.sdk_classes import EXACT_FAMILIES, ROW_BY_CLASS, row_of_fork
from agent_tools._classify.waits import wait_on
from agent_tools._classify.wrapping import leaves_of, wrapped_in
from agent_tools._core.failure import ErrorCategory, Failure, Veto

#: The most errors examined in total, and in one chain of causes. Real chains are much shorter.
_MOST_LINKS = 64
_LONGEST_CHAIN = 16
_DEFAULT = PERMANENT

#: The prefix that MCP servers put before the error of a tool.
_MCP_PREFIX = re.compile(r"\AError (?:executing|calling) tool '?[\w./-]{1,128}'?: ")

#: Statuses that clients report although no response came. With an explicit cause, any status may be one.
_STATUSES_MADE_UP = frozenset({408, 499, 500, 502, 503, 504})
_TRANSPORT = frozenset({ErrorCategory.TIMEOUT, ErrorCategory.NETWORK})

_logger = logging.getLogger("agent_tools")


def diagnose(error: BaseException, *, rules: Rules = ()) -> Failure:
    """Return what is known about `error`: category, wait, and whether the call may have acted.

    Never raises and never waits, whatever the error is made of. Control flow (interrupts, cancellation by
    the caller) is not an error: filter it out first.

    >>> from agent_tools import diagnose
    >>> failure = diagnose(ConnectionRefusedError("db-1.internal:5432"))
    >>> failure.category, failure.may_have_acted
    (<ErrorCategory.NETWORK: 'network'>, False)

    Args:
        error: Any exception. It is not kept, nor is any text of it.
        rules: Asked before the tables: a callable, a mapping of types and predicates to categories, or a
            sequence of both; see `agent_tools._classify.rules`.
    """
    return (None if rules else _failure_of_plain(error)) or judge(error, rules=rules)[0]


def category_of(error: BaseException) -> ErrorCategory:
    """Return the category alone of what `diagnose` returns, which takes less time."""
    return (_failure_of_plain(error) or _Walk(error).row).category


def diagnose_text(text: str) -> Failure | None:
    """Return what a returned error text states in an anchored form (`HTTP 503`), None when it states nothing."""
    row = wording.row_in_text(_MCP_PREFIX.sub("", text))
    return None if row is None else _failure(row, "Exception")


def _failure_of_plain(error: BaseException) -> Failure | None:
    """Return the diagnosis of a builtin error with nothing attached, as most bugs are; None for any other."""
    kind = kind_of(error)
    return _failure_of_builtin(kind) if kind.builtin and not error.__dict__ else None


@lru_cache(maxsize=256)
def _failure_of_builtin(kind: Kind) -> Failure | None:
    """Return the diagnosis of an error of that class, None when what it holds or wraps decides."""
    row = None if "builtins.OSError" in kind.names else row_by_class(kind)
    return None if row is None or not row.sure else _failure(row, kind.name)


class Step(NamedTuple):
    """One error on the way in and its row; `depth` counts from the outermost, 0."""

    depth: int
    error_type: str
    row: Row | None


def judge(error: BaseException, *, rules: Rules = ()) -> tuple[Failure, list[Step]]:
    """Return the diagnosis and the steps that led to it."""
    walk = _Walk(error, rules=rules)
    return _failure(walk.row, kind_of(error).name), [Step(*step) for step in walk.steps]


def _failure(row: Row, error_type: str) -> Failure:
    return Failure(
        category=row.category,
        error_type=row.error_type or error_type,
        rule=row.rule,
        status_code=row.status_code,
        retry_after=row.retry_after,
        may_have_acted=row.may_have_acted,
        throttled=row.throttled,
        veto=row.veto,
        detail=row.detail,
    )


class _Walk:
    """A walk into one error, with one limit on links for all its branches."""

    def __init__(self, error: BaseException, *, rules: Rules = ()) -> None:
        self._rules = rules
        self._links_left = _MOST_LINKS
        self.steps: list[tuple[int, str, Row | None]] = []
        try:
            self.row = self._judge(error) or _DEFAULT
        except Exception as mistake:  # noqa: BLE001  # an error that cannot be read is an error, not a crash
            _logger.warning("an error could not be classified (%s)", type(mistake).__name__)
            self.row = _DEFAULT

    def _judge(self, error: BaseException, *, depth: int = 0) -> Row | None:
        """Return the row for an error and what it wraps, None when no table matches."""
        found: list[tuple[Row, bool]] = []
        seen: dict[int, BaseException] = {}  # holds the errors too: Python reuses the id of a freed one
        meant = True  # whether the error was named as the reason of the last one that a table knows
        for link in range(depth, depth + _LONGEST_CHAIN):
            if id(error) in seen or self._links_left == 0:
                break
            seen[id(error)] = error
            self._links_left -= 1
            subject = Subject(error)
            row = self._look(subject, depth=link)
            if row is not None:
                is_final = row.sure and not (row.bare or _lacks_wait(row))
                if is_final and not found:  # as most are
                    return row
                found.append((row, meant))
                meant = True
                if is_final:
                    break
            inner = wrapped_in(subject)
            if inner is None:
                break
            error, meant = inner.error, meant and inner.meant
        return _fold(found)

    def _look(self, subject: Subject, *, depth: int) -> Row | None:
        error = subject.error
        answer = ask(self._rules, error) if self._rules else None
        if answer is not None:
            row: Row | None = _by_rule(error, *answer)
        elif issubclass(type(error), BaseExceptionGroup):
            self.steps.append((depth, subject.kind.name, None))
            return self._worst_of(error, depth=depth + 1)
        else:
            row = row_of(subject)
        self.steps.append((depth, subject.kind.name, row))
        return row.read_off(subject.kind.name) if row is not None and depth else row

    def _worst_of(self, group: BaseException, *, depth: int) -> Row:
        leaves = leaves_of(group)
        if leaves is None:
            return _DEFAULT.named("group too large")
        return worst(self._judge(leaf, depth=depth) or _DEFAULT.read_off(kind_of(leaf).name) for leaf in leaves)


def row_of(subject: Subject) -> Row | None:
    """Return what the tables say about one error alone, None when no row matches."""
    kind = subject.kind
    if kind.builtin and not subject.own:
        return row_by_class(kind) or builtins_table.row_by_errno(subject)
    if not EXACT_FAMILIES.isdisjoint(kind.names):
        return row_by_class(kind)
    row = (
        databases.row_of(subject)
        or protocols.row_of(subject)
        or http.row_of(subject)
        or row_by_class(kind)
        or builtins_table.row_by_errno(subject)
        or wording.row_by_name_status(kind)
    )
    if row is not None and row.bare and row.status_code in _STATUSES_MADE_UP:
        row = _transport_by_class(kind) or row
    if row is not None and not row.sure and row.status_code is None and row.category is ErrorCategory.NETWORK:
        row = _answer_by_text(subject) or row
    if row is None or _lacks_wait(row):
        row = _with_own_wait(row, wait_on(subject))
    return row or _by_own_word(subject) or class_names.row_by_denial(kind.names[0]) or wording.row_by_text(subject)


def _transport_by_class(kind: Kind) -> Row | None:
    """Return the row of a class whose name means a timeout or a network error, else None."""
    row = row_by_class(kind)
    return row if row is not None and row.category in _TRANSPORT else None


def _answer_by_text(subject: Subject) -> Row | None:
    """Return what the text says about a response: a class for all kinds of errors may stand for one too."""
    row = wording.row_by_text(subject)
    return None if row is None or row.category in _TRANSPORT else row


def _with_own_wait(row: Row | None, after: float | None) -> Row | None:
    """Return the row with the wait that the error asks for; an error that asks for one is worth a retry."""
    if row is not None:
        return row if after is None else replace(row, retry_after=after)
    return replace(PASSING, rule="asks to wait", retry_after=after, sure=False) if after else None


def _by_own_word(subject: Subject) -> Row | None:
    """Return a row for an error that marks itself as worth a retry (kafka's `retriable`), else None."""
    worth = any(value is True for value in subject.find(Role.RETRIABLE))
    return replace(PASSING, rule="says that it is retriable", sure=False) if worth else None


@lru_cache(maxsize=1024)
def row_by_class(kind: Kind) -> Row | None:
    """Return the row of the most derived class that a table lists, or whose name is clear by itself."""
    exact = not EXACT_FAMILIES.isdisjoint(kind.names)
    for qualified in kind.names:
        row = ROW_BY_CLASS.get(qualified)
        if row is not None:
            return row.named(qualified)
        row = None if exact else class_names.row_by_name(qualified) or row_of_fork(qualified)
        if row is not None:
            # A base may mislead: an `InvalidNonce` is no network error, although ccxt derives it from one.
            is_base = qualified != kind.names[0] and row.category in _TRANSPORT
            return (class_names.row_by_denial(kind.names[0]) if is_base else None) or row
    return None


def _lacks_wait(row: Row) -> bool:
    return row.category is ErrorCategory.RETRYABLE and row.retry_after is None


def _by_rule(error: BaseException, word: str, answer: ErrorCategory | Failure) -> Row:
    if isinstance(answer, Failure):
        return Row(
            category=answer.category,
            rule=word,
            status_code=answer.status_code,
            retry_after=answer.retry_after,
            may_have_acted=answer.may_have_acted,
            throttled=answer.throttled,
            veto=answer.veto,
            detail=answer.detail,
        )
    facts = _Walk(error).row
    veto = None if facts.veto is Veto.TEXT else facts.veto  # the rule vouches for what the text only suggests
    return replace(facts, category=answer, error_type="", rule=word, veto=veto, sure=True, bare=False)


def _fold(found: list[tuple[Row, bool]]) -> Row | None:
    """Combine all rows on the way in, from the innermost to the outermost."""
    if not found:
        return None
    inner, meant = found.pop()
    while found:
        outer, outer_meant = found.pop()
        inner, meant = _of_both(outer, inner, meant=meant), outer_meant
    return inner


def _of_both(outer: Row, inner: Row, *, meant: bool) -> Row:
    """Combine two rows: `outer` was raised from `inner` or, if not `meant`, while `inner` was being handled."""
    if outer.bare and _is_transport_trouble(inner) and (meant or outer.status_code in _STATUSES_MADE_UP):
        return inner
    if outer.bare and inner.status_code not in (None, outer.status_code):
        outer = replace(outer, may_have_acted=outer.may_have_acted or inner.may_have_acted)
    if outer.sure:
        return _with_wait_of(inner, outer)
    unrelated = not meant and inner.category is ErrorCategory.NON_RETRYABLE and inner.status_code is None
    timeout_by_name = outer.category is ErrorCategory.TIMEOUT and inner.category is ErrorCategory.NETWORK
    return outer if unrelated or timeout_by_name else inner


def _is_transport_trouble(row: Row) -> bool:
    return row.status_code is None and row.category in _TRANSPORT


def _with_wait_of(inner: Row, outer: Row) -> Row:
    """Return `outer` with the wait of the response inside it, when both are about the same response."""
    same = inner.category is outer.category and outer.status_code in (None, inner.status_code)
    if not same or not _lacks_wait(outer) or inner.retry_after is None:
        return outer
    may_have_acted = outer.may_have_acted and inner.may_have_acted
    return replace(outer, retry_after=inner.retry_after, may_have_acted=may_have_acted)
