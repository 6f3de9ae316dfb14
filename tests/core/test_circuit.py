import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tools._core.circuit import (
    CLOSED,
    Circuit,
    CircuitPolicy,
    CircuitState,
    after_failed_probe,
    after_failure,
    is_counted,
    probe_given_back,
    probing,
)
from agent_tools._core.failure import ErrorCategory, Failure

POLICY = CircuitPolicy(jitter=0)


def opened(policy: CircuitPolicy = POLICY, *, now: float = 0.0) -> Circuit:
    circuit = CLOSED
    for _ in range(policy.failures):
        circuit = after_failure(circuit, policy, now=now, chance=0)
    return circuit


def failed_probe(circuit: Circuit, policy: CircuitPolicy = POLICY, *, chance: float = 0) -> Circuit:
    now = circuit.probe_at
    under_way = probing(circuit, policy, now=now, chance=chance)
    assert under_way is not None
    return after_failed_probe(under_way, policy, now=now, chance=chance)


def test_five_failures_in_a_row_open_it() -> None:
    circuit = CLOSED
    for _ in range(4):
        circuit = after_failure(circuit, POLICY, now=10, chance=0)
        assert circuit.state is CircuitState.CLOSED
    circuit = after_failure(circuit, POLICY, now=10, chance=0)
    assert (circuit.state, circuit.probe_at) == (CircuitState.OPEN, 10.5)


def test_there_is_no_probe_before_its_time_and_then_exactly_one() -> None:
    circuit = opened()
    assert probing(circuit, POLICY, now=0.49, chance=0) is None
    under_way = probing(circuit, POLICY, now=0.5, chance=0)
    assert under_way is not None
    assert under_way.state is CircuitState.PROBING
    assert probing(under_way, POLICY, now=1.99, chance=0) is None


def test_a_probe_that_does_not_come_back_makes_room_for_the_next_one() -> None:
    under_way = probing(opened(), POLICY, now=0.5, chance=0)
    assert under_way is not None
    assert probing(under_way, POLICY, now=0.5 + 1.5 + 0.5, chance=0) is not None


def test_the_time_between_probes_is_a_share_of_the_outage_within_bounds() -> None:
    circuit, waits = opened(), {}
    while circuit.probe_at < 4000:
        began = circuit.probe_at
        circuit = failed_probe(circuit)
        waits[began] = circuit.probe_at - began
    for age, wait in waits.items():
        assert wait == pytest.approx(min(max(0.5, 0.025 * age), 30))


@given(
    chance=st.floats(0, 1, exclude_max=True),
    jitter=st.floats(0, 1),
    steps=st.lists(st.tuples(st.sampled_from(["fail", "probe", "probe fails", "given back"]), st.floats(0, 50))),
)
def test_whatever_happens_an_open_circuit_gets_its_probe_in_time(
    chance: float, jitter: float, steps: list[tuple[str, float]]
) -> None:
    policy, now, circuit = CircuitPolicy(jitter=jitter), 0.0, CLOSED
    for step, later in steps:
        now += later
        if step == "fail":
            circuit = after_failure(circuit, policy, now=now, chance=chance)
        if step == "probe":
            circuit = probing(circuit, policy, now=now, chance=chance) or circuit
        if step == "probe fails":
            circuit = after_failed_probe(circuit, policy, now=now, chance=chance)
        if step == "given back":
            circuit = probe_given_back(circuit, now=now)
        if circuit.state is not CircuitState.CLOSED:
            assert circuit.probe_at <= now + policy.max_probe_after + policy.verdict_within
            assert circuit.opened_at <= now


@given(chance=st.floats(0, 1, exclude_max=True), jitter=st.floats(0, 1))
def test_jitter_only_shortens_the_wait(chance: float, jitter: float) -> None:
    policy = CircuitPolicy(jitter=jitter)
    circuit = failed_probe(opened(policy), policy, chance=chance)
    assert 0.5 + (1 - jitter) * 0.5 <= circuit.probe_at <= 1


def test_a_probe_that_was_given_back_is_made_anew_at_once() -> None:
    under_way = probing(opened(), POLICY, now=0.5, chance=0)
    assert under_way is not None
    assert probing(probe_given_back(under_way, now=0.5), POLICY, now=0.5, chance=0) == under_way


def test_what_fails_beside_the_probe_began_before_and_changes_nothing() -> None:
    circuit = opened()
    assert after_failure(circuit, POLICY, now=99, chance=0) is circuit


def test_the_verdict_of_a_probe_that_a_reset_has_overtaken_counts_like_any_other() -> None:
    assert after_failed_probe(CLOSED, POLICY, now=0, chance=0) == Circuit(failures=1)
    assert probe_given_back(CLOSED, now=0) is CLOSED


@pytest.mark.parametrize(
    ("failure", "counts"),
    [
        (Failure(category=ErrorCategory.RETRYABLE, status_code=503), True),
        (Failure(category=ErrorCategory.TIMEOUT), True),
        (Failure(category=ErrorCategory.NETWORK), True),
        (Failure(category=ErrorCategory.RETRYABLE, status_code=429, throttled=True), False),
        (Failure(category=ErrorCategory.RETRYABLE, throttled=True), False),
        (Failure(category=ErrorCategory.TIMEOUT, status_code=408), False),
        (Failure(category=ErrorCategory.AUTH_FAILURE, status_code=401), False),
        (Failure(category=ErrorCategory.NON_RETRYABLE, status_code=404), False),
        (Failure(category=ErrorCategory.NON_RETRYABLE), False),
    ],
)
def test_only_what_says_that_the_service_is_down_counts(failure: Failure, counts: bool) -> None:
    assert is_counted(failure) is counts


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("failures", 0, "failures must be at least 1, not 0"),
        ("failures", 2.5, "failures must be a whole number, at least 1, not 2.5"),
        ("probe_after", -1, "probe_after must be a finite number of seconds, at least 0, not -1"),
        ("probe_after", 0, "probe_after must be above 0, not 0"),
        ("max_probe_after", float("nan"), "max_probe_after must be a finite number of seconds, at least 0, not nan"),
        ("patience", float("inf"), "patience must be a finite number of seconds, at least 0, not inf"),
        ("spread", "1", "spread must be a finite number of seconds, at least 0, not '1'"),
        ("verdict_within", -2, "verdict_within must be a finite number of seconds, at least 0, not -2"),
        ("probe_share", 1.5, "probe_share must be a number from 0 to 1, not 1.5"),
        ("jitter", 2, "jitter must be a number from 0 to 1, not 2"),
    ],
)
def test_nonsense_is_refused_where_it_is_written(field: str, value: object, rule: str) -> None:
    with pytest.raises((TypeError, ValueError)) as refused:
        CircuitPolicy(**{field: value})  # type: ignore[arg-type]
    assert str(refused.value).startswith(rule)
