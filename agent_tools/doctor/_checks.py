"""The rules: what is likely to go wrong with an agent or with one of its tools."""

import re
from collections.abc import Iterator
from typing import Any

from langchain_core.tools import BaseTool

from agent_tools._core.policy import RetryPolicy
from agent_tools._handler import ToolErrorHandler
from agent_tools._langgraph.hints import hinted_idempotent
from agent_tools.doctor._clients import Client
from agent_tools.doctor._facts import Finding
from agent_tools.doctor._graph import Survey, wrappers_of
from agent_tools.doctor._requests import CHANGING, Request

#: First words in names of tools that only read.
_READS = frozenset(
    "calculate check count describe fetch find get is list look lookup preview query read retrieve search show "  # noqa: SIM905  # words, not code
    "view".split()
)

#: Words in names of tools that change something.
_CHANGES = frozenset(
    "add append apply approve archive assign book buy cancel change charge close confirm create delete deploy disable "  # noqa: SIM905
    "edit email enable execute grant insert invite issue merge modify move notify open order pay place post publish "
    "purchase push refund register reject remove rename replace reserve reset restart revoke run schedule send set "
    "ship sign start stop submit subscribe transfer trigger update upload upsert withdraw write".split()
)

#: Middleware that gets in the way of `ResilientToolMiddleware`, by the name of its class: rule, problem, advice.
_OTHERS = {
    "ToolRetryMiddleware": (
        "second-retry",
        "ToolRetryMiddleware retries, too, and the attempts multiply",
        "remove it, or limit it to tools that ResilientToolMiddleware does not handle",
    ),
    "ToolErrorMiddleware": (
        "middleware-order",
        "ToolErrorMiddleware is inside ResilientToolMiddleware and answers errors, so that nothing is retried",
        "remove it, or put it before ResilientToolMiddleware",
    ),
    "HumanInTheLoopMiddleware": (
        "middleware-order",
        "HumanInTheLoopMiddleware is inside ResilientToolMiddleware and asks the human in each attempt",
        "put it before ResilientToolMiddleware",
    ),
}


def of_agent(survey: Survey, handlers: list[ToolErrorHandler], *, workers: int) -> Iterator[Finding]:
    """Yield what is wrong with the agent as a whole."""
    for name in survey.retried_nodes:
        yield Finding(
            rule="second-retry",
            problem=f"the retry_policy of the node {name!r} repeats all calls of a message, and the attempts multiply",
            advice="add the node without one",
        )
    for name in survey.makers:
        yield _made_per_run(f"the node {name!r} creates a new handler in each run")
    for node in survey.nodes:
        yield from _of_order(wrappers_of(node))
    if workers > 1 and any(not handler.shares_health for handler in handlers):
        yield Finding(
            rule="workers-apart",
            problem=f"{workers} workers do not share what they learn about a service that is down",
            advice="share health=RedisHealth(...) between them",
        )


def _made_per_run(problem: str) -> Finding:
    return Finding(
        rule="handler-per-run",
        problem=f"{problem}, so that circuits and budgets start over each time",
        advice="create one ToolErrorHandler and pass it to the node or middleware as handler=",
    )


def made_per_run() -> Finding:
    """Return the finding for a factory that creates a new handler each time."""
    return _made_per_run("the function that creates the graph also creates a new handler")


def _of_order(wrappers: list[Any]) -> Iterator[Finding]:
    names = [type(each).__name__ for each in wrappers]
    resilient = next((place for place, each in enumerate(wrappers) if _is_resilient(each)), None)
    if resilient is None:
        return
    for place, name in enumerate(names):
        if name in _OTHERS and (place > resilient or name == "ToolRetryMiddleware"):
            rule, problem, advice = _OTHERS[name]
            yield Finding(rule=rule, problem=problem, advice=advice)
        elif "Limit" in name and place > resilient:
            yield Finding(
                rule="middleware-order",
                problem=f"{name} is inside ResilientToolMiddleware and counts attempts instead of calls",
                advice="put it before ResilientToolMiddleware",
            )


def _is_resilient(middleware: Any) -> bool:
    return isinstance(getattr(middleware, "handler", None), ToolErrorHandler)


def of_tool(
    tool: BaseTool, policy: RetryPolicy | None, clients: list[Client], requests: list[Request]
) -> Iterator[Finding]:
    """Yield what is wrong with one tool."""
    if policy is None:
        yield Finding(
            rule="unhandled",
            tool=tool.name,
            problem="nothing handles its errors, so an error ends the run",
            advice="use ResilientToolNode instead of ToolNode, or add ResilientToolMiddleware",
        )
    else:
        yield from _of_effects(tool, policy, requests)
        yield from _of_retries(tool, policy, clients)
    if policy is None or policy.attempt_timeout is None:
        yield from _of_limits(tool, clients, requests)


def _of_effects(tool: BaseTool, policy: RetryPolicy, requests: list[Request]) -> Iterator[Finding]:
    if policy.idempotent is not None or policy.max_attempts == 1:
        return
    if is_mcp(tool):
        if not is_hinted(tool):
            yield _undeclared(tool, "mcp-no-hints", "its MCP server does not say whether it may be called twice")
        return
    methods = changing(requests)
    if methods:
        yield _undeclared(tool, "undeclared", f"it sends {', '.join(methods)} and is undeclared")
    elif may_change(tool.name):
        yield _undeclared(tool, "undeclared", "its name suggests that it changes something, and it is undeclared")


def _undeclared(tool: BaseTool, rule: str, problem: str) -> Finding:
    return Finding(
        rule=rule,
        tool=tool.name,
        problem=f"{problem}, so a retry may do it twice",
        advice=f"set per_tool={{{tool.name!r}: RetryPolicy(idempotent=False)}}, or True if twice does no harm",
    )


def _of_retries(tool: BaseTool, policy: RetryPolicy, clients: list[Client]) -> Iterator[Finding]:
    for client in clients:
        if client.retries and policy.max_attempts > 1:
            yield Finding(
                rule="second-retry",
                tool=tool.name,
                problem=f"{client.retries} retries, too, and the attempts multiply",
                advice=f"{client.advice}, or give the tool RetryPolicy(max_attempts=1)",
            )


def _of_limits(tool: BaseTool, clients: list[Client], requests: list[Request]) -> Iterator[Finding]:
    unlimited = [client.name for client in clients if client.limit is None]
    unlimited += [f"{request.module}.{request.method}()" for request in requests if request.is_limited is False]
    for name in dict.fromkeys(unlimited):
        yield Finding(
            rule="no-timeout",
            tool=tool.name,
            problem=f"{name} waits forever for an answer",
            advice="give it a timeout, or the tool RetryPolicy(attempt_timeout=...)",
        )


def changing(requests: list[Request]) -> list[str]:
    """Return the methods of `requests` that change something."""
    return sorted({request.method.upper() for request in requests if request.method in CHANGING})


def may_change(name: str) -> bool:
    """Return whether the name of a tool suggests that it changes something."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    return bool(words) and words[0] not in _READS and not _CHANGES.isdisjoint(words)


def is_mcp(tool: BaseTool) -> bool:
    """Return whether `tool` comes from an MCP server."""
    function = getattr(tool, "coroutine", None) or getattr(tool, "func", None)
    module = getattr(function, "__module__", None) or ""
    return module.startswith(("langchain_mcp_adapters", "langchain.mcp")) or "mcp" in (tool.metadata or {})


def is_hinted(tool: BaseTool) -> bool:
    """Return whether the MCP server of `tool` says whether it may be called twice."""
    return hinted_idempotent(tool) is not None
