"""Tools of LangGraph agents that fail without crashing the run, charging twice or looping.

>>> from agent_tools import ResilientToolNode
>>> node = ResilientToolNode([])  # instead of langgraph.prebuilt.ToolNode

Names are loaded when they are first used: `agent_tools.error_handler` needs no LangGraph, and `ResilientToolMiddleware`
is there when LangChain is.
"""

from typing import TYPE_CHECKING

from agent_tools._lazy import lazy

if TYPE_CHECKING:
    from agent_tools._classify import diagnose, explain
    from agent_tools._core.effects import DoubtfulCall, Effect
    from agent_tools._core.events import ToolEvent
    from agent_tools._core.failure import Failure
    from agent_tools._core.gate_policies import BudgetPolicy, CircuitPolicy
    from agent_tools._core.loop_guard import LoopGuard
    from agent_tools._core.outcome import Outcome
    from agent_tools._core.policy import RetryPolicy
    from agent_tools._gate.redis_store import RedisHealth
    from agent_tools._handler import ToolErrorHandler
    from agent_tools._langgraph.clean_errors import clean_errors
    from agent_tools._version import __version__ as __version__
    from agent_tools.error_handler import ErrorCategory, classify_error, with_retry, with_retry_sync
    from agent_tools.idempotency import idempotency_key
    from agent_tools.middleware import ResilientToolMiddleware as ResilientToolMiddleware
    from agent_tools.report import RunReport
    from agent_tools.tool_node import ResilientToolNode

__all__ = [
    "BudgetPolicy",
    "CircuitPolicy",
    "DoubtfulCall",
    "Effect",
    "ErrorCategory",
    "Failure",
    "LoopGuard",
    "Outcome",
    "RedisHealth",
    "ResilientToolNode",
    "RetryPolicy",
    "RunReport",
    "ToolErrorHandler",
    "ToolEvent",
    "classify_error",
    "clean_errors",
    "diagnose",
    "explain",
    "idempotency_key",
    "with_retry",
    "with_retry_sync",
]

__getattr__ = lazy(
    __name__,
    {
        "BudgetPolicy": "_core.gate_policies",
        "CircuitPolicy": "_core.gate_policies",
        "DoubtfulCall": "_core.effects",
        "Effect": "_core.effects",
        "ErrorCategory": "error_handler",
        "Failure": "_core.failure",
        "LoopGuard": "_core.loop_guard",
        "Outcome": "_core.outcome",
        "RedisHealth": "_gate.redis_store",
        "ResilientToolMiddleware": "middleware",
        "ResilientToolNode": "tool_node",
        "RetryPolicy": "_core.policy",
        "RunReport": "report",
        "ToolErrorHandler": "_handler",
        "ToolEvent": "_core.events",
        "__version__": "_version",
        "classify_error": "error_handler",
        "clean_errors": "_langgraph.clean_errors",
        "diagnose": "_classify",
        "explain": "_classify",
        "idempotency_key": "idempotency",
        "with_retry": "error_handler",
        "with_retry_sync": "error_handler",
    },
)


def __dir__() -> list[str]:
    return sorted(__all__)
