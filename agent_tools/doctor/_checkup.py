"""`doctor`: the facts of all tools and the findings, as text, HTML or JSON."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from html import escape

from langchain_core.tools import BaseTool

from agent_tools._core.html import table
from agent_tools._core.policy import RetryPolicy
from agent_tools._handler import ToolErrorHandler
from agent_tools.doctor import _checks
from agent_tools.doctor._clients import Client, clients_in
from agent_tools.doctor._facts import UNKNOWN, Finding, ToolFacts
from agent_tools.doctor._graph import handler_of, survey
from agent_tools.doctor._reach import reach_of
from agent_tools.doctor._requests import Request, requests_of

HEAD = ("tool", "retried for", "may act twice", "key sent", "one attempt", "host")


@dataclass(frozen=True, slots=True)
class Checkup:
    """The report of `doctor`. `print` shows it as text, a notebook as tables.

    Attributes:
        tools: The facts of each tool.
        findings: What is likely to go wrong.
    """

    tools: tuple[ToolFacts, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> str:
        """Return facts and findings as JSON."""
        return json.dumps(asdict(self), indent=2)

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row of cells for each tool, as `HEAD` names them."""
        return [(each.tool, each.retried, each.twice, each.key, each.limit, each.host) for each in self.tools]

    def summary(self) -> str:
        """Return the number of tools and findings in one line."""
        return f"{_counted(len(self.tools), 'tool')}, {_counted(len(self.findings), 'finding')}"

    def __str__(self) -> str:
        rows = [HEAD, *self.rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([*lines, "", *map(str, self.findings), self.summary()])

    def _repr_html_(self) -> str:
        listed = "".join(f"<li>{escape(str(finding))}</li>" for finding in self.findings)
        return f"<div>{table(HEAD, self.rows())}<p><b>{escape(self.summary())}</b></p><ul>{listed}</ul></div>"


def doctor(agent: object, *, workers: int | None = None) -> Checkup:
    """Return what will happen to the tools of `agent`, and what is likely to go wrong. No call is made.

    >>> from agent_tools import ResilientToolNode
    >>> from agent_tools.doctor import doctor
    >>> def refund(order: str) -> str:
    ...     "Pay an order back."
    ...     return "done"
    >>> print(doctor(ResilientToolNode([refund])))
    tool    retried for          may act twice    key sent  one attempt  host
    refund  retryable, 3 in all  yes, undeclared  ?         ?            ?
    <BLANKLINE>
    refund: its name suggests that it changes something, and it is undeclared, so a retry may do it twice. Set \
per_tool={'refund': RetryPolicy(idempotent=False)}, or True if twice does no harm. [undeclared]
    1 tool, 1 finding

    Args:
        agent: A tool node, or a compiled graph, including one made by `create_agent`.
        workers: How many processes serve it; None for `WEB_CONCURRENCY`, or 1.

    Raises:
        TypeError: Nothing in `agent` is seen to run tools.
    """
    seen = survey(agent)
    workers = int(os.environ.get("WEB_CONCURRENCY", "1")) if workers is None else workers
    facts: list[ToolFacts] = []
    findings: list[Finding] = []
    handlers: list[ToolErrorHandler] = []
    for node, tool in seen.tools():
        handler = handler_of(node, tool.name)
        reach = reach_of(tool)
        clients, requests = clients_in(reach.things), requests_of(reach)
        policy = None if handler is None else handler.policy_of(tool.name)
        handlers += [] if handler is None else [handler]
        facts.append(_facts(tool, policy, clients, requests))
        findings += _checks.of_tool(tool, policy, clients, requests)
    whole = _checks.of_agent(seen, handlers, workers=workers)
    return Checkup(tuple(facts), tuple(dict.fromkeys([*whole, *findings])))


def handlers_in(agent: object) -> set[ToolErrorHandler]:
    """Return the handlers of `agent`."""
    found = {handler_of(node, tool.name) for node, tool in survey(agent).tools()}
    return {handler for handler in found if handler is not None}


def _facts(tool: BaseTool, policy: RetryPolicy | None, clients: list[Client], requests: list[Request]) -> ToolFacts:
    hosts = [client.host for client in clients] + [request.host for request in requests]
    keys = {client.sends_key for client in clients} - {None}
    return ToolFacts(
        tool=tool.name,
        retried=_retried(policy, is_keyed=True in keys),
        twice=_twice(tool, policy, may_change=_checks.may_change(tool.name) or _checks.changing(requests) != []),
        key=UNKNOWN if not keys else "yes" if keys == {True} else "no" if keys == {False} else "by some",
        limit=_limit(policy, clients, requests),
        host=_joined(host for host in hosts if host != UNKNOWN) or UNKNOWN,
    )


def _retried(policy: RetryPolicy | None, *, is_keyed: bool) -> str:
    if policy is None or policy.max_attempts == 1:
        return "nothing"
    if policy.idempotent is False and policy.verify is None and not is_keyed:
        return "nothing, it may have acted"
    return f"{', '.join(sorted(policy.retry_on))}, {policy.max_attempts} in all"


def _twice(tool: BaseTool, policy: RetryPolicy | None, *, may_change: bool) -> str:
    if policy is not None and policy.verify is not None:
        return "no, verify= is asked"
    if policy is None or policy.max_attempts == 1 or policy.idempotent is False:
        return "no"
    if policy.idempotent:
        return "yes, declared harmless"
    if _checks.is_mcp(tool) and _checks.is_hinted(tool):
        return "as its server hints"
    return "yes, undeclared" if may_change else "seems read-only"


def _limit(policy: RetryPolicy | None, clients: list[Client], requests: list[Request]) -> str:
    if policy is not None and policy.attempt_timeout is not None:
        return f"{policy.attempt_timeout:g} s"
    limits = [client.limit for client in clients]
    if None in limits or any(request.is_limited is False for request in requests):
        return "no limit"
    known = [limit for limit in limits if isinstance(limit, int | float)]
    return f"{max(known):g} s per read" if known else UNKNOWN


def _counted(number: int, one: str) -> str:
    return f"{number or 'no'} {one}{'s' * (number != 1)}"


def _joined(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(filter(None, names)))
