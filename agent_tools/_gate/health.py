"""How the tools are doing, for operators."""

from dataclasses import dataclass

from agent_tools._core.circuit import CircuitState
from agent_tools._core.gate_policies import BudgetPolicy
from agent_tools._core.gate_state import GateState


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a tool is doing, for operators.

    Attributes:
        state: The state of its circuit.
        failures: Failures in a row that show that the service is down.
        probe_in: Seconds until the next probe, None when the circuit is closed.
        retry_tokens: Tokens left in the retry budget, None when there is no budget.
        failing: The part of the latest attempts that failed because of the service.
        window: How many calls may be under way at the same time, None for any number.
        blocked_for: Seconds for which a server has asked all calls to wait.
    """

    state: CircuitState
    failures: int
    probe_in: float | None
    retry_tokens: int | None
    failing: float
    window: int | None
    blocked_for: float


def health_of(state: GateState, door: GateState, *, now: float, policy: BudgetPolicy | None) -> Health:
    """Return the health of a tool, given the states of its gate and of its host's door."""
    circuit, budget, window = state.circuit, state.budget, state.window
    tokens = None if policy is None else policy.tokens if budget is None else budget.tokens
    return Health(
        state=circuit.state,
        failures=circuit.failures,
        probe_in=None if circuit.state is CircuitState.CLOSED else max(0.0, circuit.probe_at - now),
        retry_tokens=tokens,
        failing=0.0 if budget is None else round(budget.failing, 3),
        window=None if window is None else int(window.size),
        blocked_for=max(0.0, max(state.blocked_until, door.blocked_until) - now),
    )
