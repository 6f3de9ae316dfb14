"""Build the settings of a handler from its options, checking each one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from agent_tools._call.advice import Advice
from agent_tools._call.listeners import OnAuthFailure
from agent_tools._call.options import HandlerOptions
from agent_tools._call.own_handling import error_types
from agent_tools._call.settings import Settings
from agent_tools._call.texts import OwnTexts
from agent_tools._core.gate_policies import BudgetPolicy, CircuitPolicy
from agent_tools._core.loop_guard import LoopGuard
from agent_tools._core.own_rules import require_rules
from agent_tools._core.policy import RetryPolicy
from agent_tools._gate.gates import Gates

if TYPE_CHECKING:
    from agent_tools._call.credentials import Credentials
    from agent_tools._gate.store import Store


def settings_of(given: HandlerOptions, *, clock: Callable[[], float], chance: Callable[[], float]) -> Settings:
    """Return the settings for a complete set of options.

    Raises:
        TypeError: An option has the wrong type.
        ValueError: An option has a value that makes no sense.
    """
    require_rules("classify", given["classify"])
    renew = given["on_auth_failure"]
    return Settings(
        policy=_policy("policy", given["policy"] or RetryPolicy()),
        per_tool=_policies(given["per_tool"]),
        rules=given["classify"],
        expose=error_types("expose", given["expose"]),
        observer=given["observer"],
        stream_events=given["stream_events"],
        credentials=None if renew is None else _credentials(renew),
        gates=_gates(given["budget"], given["circuit"], clock, given["health"]),
        share_key=given["share_key"],
        loop_guard=_loop_guard(given["loop_guard"], renewable=renew is not None),
        texts=OwnTexts(given["texts"]),
        layers=set(),
        advice=Advice(),
        clock=clock,
        chance=chance,
    )


def _policy(name: str, given: RetryPolicy) -> RetryPolicy:
    if not isinstance(given, RetryPolicy):
        raise TypeError(f"{name} must be an agent_tools.RetryPolicy, not {given!r}")
    return given


def _credentials(renew: OnAuthFailure) -> "Credentials":
    from agent_tools._call.credentials import Credentials  # noqa: PLC0415  # most handlers have none

    return Credentials(renew)


def _policies(given: Mapping[str, RetryPolicy] | None) -> dict[str, RetryPolicy]:
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f"per_tool must map tool names to RetryPolicy objects, not {given!r}")
    return {tool: _policy(f"per_tool[{tool!r}]", policy) for tool, policy in (given or {}).items()}


def _gates(
    budget: BudgetPolicy | None, circuit: CircuitPolicy | None, clock: Callable[[], float], store: "Store | None"
) -> Gates:
    if budget is not None and not isinstance(budget, BudgetPolicy):
        raise TypeError(f"budget must be a BudgetPolicy or None, not {budget!r}")
    if circuit is not None and not isinstance(circuit, CircuitPolicy):
        raise TypeError(f"circuit must be a CircuitPolicy or None, not {circuit!r}")
    if store is not None and not callable(getattr(store, "connect", None)):
        raise TypeError(f"health must be a store such as RedisHealth, or None, not {store!r}")
    return Gates(budget=budget, circuit=circuit, clock=clock, store=store)


def _loop_guard(given: LoopGuard | None, *, renewable: bool) -> LoopGuard | None:
    if given is None:
        return None
    if not isinstance(given, LoopGuard):
        raise TypeError(f"loop_guard must be a LoopGuard or None, not {given!r}")
    return replace(given, auth_failure=False) if renewable else given
