"""`RetryPolicy.verify` finds out whether a call that may have acted did act, so that the model is not in doubt."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from agent_tools import DoubtfulCall, RetryPolicy, RunReport, ToolEvent
from tests.services.payments import PaymentServer, Trouble
from tests.support.toolbox import Flaky, Flavor, answers_in, asking, http_error

pytestmark = pytest.mark.doors("node", "create_agent")

NODE = pytest.mark.doors("node")
LOST = httpx.ReadTimeout("x", request=httpx.Request("POST", "http://127.0.0.1/charge"))
ONCE = RetryPolicy(base_delay=0, throttled_delay=0, idempotent=False)


def charging(payments: PaymentServer, flavor: Flavor, *, timeout: float) -> BaseTool:
    """Return a tool whose client sends no keys."""

    def charge(order: str) -> str:
        answer = httpx.post(f"{payments.url}/charge", json={"order": order}, timeout=timeout)
        return f"charge {answer.raise_for_status().json()['charge']}"

    return flavor.tool(charge)


def asking_at(payments: PaymentServer) -> Callable[[DoubtfulCall], str | bool]:
    """Return a `verify` that looks up the order."""

    def verify(call: DoubtfulCall) -> str | bool:
        answer = httpx.get(f"{payments.url}/charges", params={"order": call.arguments["order"]})
        charges = answer.raise_for_status().json()["charges"]
        return f"charge {charges[0]}" if charges else False

    return verify


def pays(
    payments: PaymentServer, flavor: Flavor, *troubles: Trouble, **options: Any
) -> tuple[ToolMessage, list[ToolEvent]]:
    """Charge an order, and return the answer and the events."""
    events: list[ToolEvent] = []
    policy = RetryPolicy(base_delay=0, **{"verify": asking_at(payments), **options})
    payments.trouble("A", troubles)
    tool = charging(payments, flavor, timeout=0.3 if Trouble.LATE_ANSWER in troubles else 20)
    return flavor.answer(tool, arguments={"order": "A"}, policy=policy, observer=events.append), events


@pytest.mark.parametrize("trouble", [Trouble.LOST_ANSWER, Trouble.LATE_ANSWER])
def test_a_charge_whose_answer_was_lost_is_read_off_the_ledger(flavor: Flavor, trouble: Trouble) -> None:
    with PaymentServer(honors_keys=False) as payments:
        answer, events = pays(payments, flavor, trouble)

        assert payments.charges("A") == [1]
    assert (answer.status, answer.content) == ("success", "charge 1")
    assert [(event.type, event.found) for event in events] == [("tool_verified", "happened"), ("tool_recovered", None)]


@pytest.mark.parametrize("trouble", [Trouble.LOST_REQUEST, Trouble.UNAVAILABLE])
def test_a_charge_that_did_not_happen_is_made_once_more(flavor: Flavor, trouble: Trouble) -> None:
    with PaymentServer(honors_keys=False) as payments:
        answer, events = pays(payments, flavor, trouble)

        assert payments.charges("A") == [1]
    assert answer.content == "charge 1"
    assert [(event.type, event.found) for event in events] == [
        ("tool_verified", "did_not_happen"),
        ("tool_retry", None),
        ("tool_recovered", None),
    ]


def test_a_charge_of_which_nobody_knows_stays_in_doubt(flavor: Flavor) -> None:
    with PaymentServer(honors_keys=False) as payments:
        answer, events = pays(payments, flavor, Trouble.LOST_ANSWER, verify=lambda call: None)

        assert payments.charges("A") == [1]
    assert "unknown whether it took effect" in answer.content
    assert answer.artifact["may_have_acted"] is True
    assert [(event.type, event.found) for event in events] == [("tool_verified", "unknown"), ("tool_failed", None)]


def test_a_ledger_that_lags_is_asked_later(flavor: Flavor) -> None:
    with PaymentServer(honors_keys=False, shown_after=0.2) as payments:
        answer, _ = pays(payments, flavor, Trouble.LOST_ANSWER, verify_after=0.3)

        assert payments.charges("A") == [1]
    assert answer.content == "charge 1"


def test_a_ledger_that_is_asked_too_early_is_believed_what_it_has_alone(flavor: Flavor) -> None:
    for shown_after, status in ((0.0, "success"), (5.0, "error")):
        with PaymentServer(honors_keys=False, shown_after=shown_after) as payments:
            answer, _ = pays(payments, flavor, Trouble.LOST_ANSWER, verify_after=19.9999, deadline=20.0)

            assert payments.charges("A") == [1]
        assert answer.status == status


def tool_that_fails(flavor: Flavor, *errors: Exception, **options: Any) -> tuple[BaseTool, Flaky]:
    fails = Flaky(errors)

    def charge() -> str:
        return str(fails())

    return flavor.tool(charge, **options), fails


def test_a_call_is_described_to_verify(flavor: Flavor) -> None:
    asked: list[DoubtfulCall] = []
    tool, _ = tool_that_fails(flavor, LOST)
    flavor.answer(tool, policy=replace(ONCE, verify=asked.append))

    (call,) = asked
    assert (call.tool, call.arguments, len(call.idempotency_key)) == ("charge", {}, 32)
    assert call.failure is not None
    assert call.failure.category == "timeout"


@pytest.mark.parametrize("errors", [[http_error(503)], [httpx.ConnectTimeout("x")], [http_error(503)] * 2], ids=str)
def test_passing_errors_of_verify_are_asked_again(flavor: Flavor, errors: list[Exception]) -> None:
    tool, fails = tool_that_fails(flavor, LOST)
    verify = Flaky(errors, result="charge 1")
    answer = flavor.answer(tool, policy=replace(ONCE, verify=lambda call: verify()))

    assert (answer.content, fails.runs, verify.runs) == ("charge 1", 1, len(errors) + 1)


@pytest.mark.parametrize("error", [KeyError("x"), http_error(401), http_error(404)], ids=str)
def test_all_other_errors_of_verify_leave_the_call_in_doubt_and_are_logged(
    flavor: Flavor, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    tool, fails = tool_that_fails(flavor, LOST)
    verify = Flaky([error] * 9)
    answer = flavor.answer(tool, policy=replace(ONCE, verify=lambda call: verify()))

    assert "unknown whether it took effect" in answer.content
    assert (fails.runs, verify.runs) == (1, 1)
    assert f"verify raised {type(error).__name__}" in caplog.text
    assert "SK-SECRET" not in caplog.text


def test_a_verify_that_hangs_is_left_at_the_deadline(flavor: Flavor) -> None:
    released = threading.Event()

    def hangs(call: DoubtfulCall) -> None:
        released.wait(10)

    async def ahangs(call: DoubtfulCall) -> None:
        await asyncio.sleep(10)

    for verify in (hangs, ahangs):
        tool, fails = tool_that_fails(flavor, LOST)
        started = time.monotonic()
        answer = flavor.answer(tool, policy=replace(ONCE, verify=verify, deadline=0.3))

        assert time.monotonic() - started < 5
        assert "unknown whether it took effect" in answer.content
        assert fails.runs == 1
    released.set()


def test_a_call_that_has_used_up_its_time_is_not_verified(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    asked: list[DoubtfulCall] = []

    def charge() -> str:
        time.sleep(0.2)
        raise LOST

    answer = flavor.answer(flavor.tool(charge), policy=replace(ONCE, verify=asked.append, deadline=0.1))

    assert "unknown whether it took effect" in answer.content
    assert asked == []
    assert "no time was left to verify charge" in caplog.text


@NODE
@pytest.mark.parametrize(
    ("said", "content"),
    [
        ("paid", "paid"),
        ("", ""),
        ({"charge": 7}, '{"charge": 7}'),
        ([{"type": "text", "text": "paid"}], [{"type": "text", "text": "paid"}]),
        (7, "7"),
        (ToolMessage("paid", tool_call_id="another"), "paid"),
        (True, "`charge` took effect. Its answer was lost, so there are no details."),
    ],
    ids=str,
)
def test_what_a_tool_may_return_verify_may_return(flavor: Flavor, said: Any, content: Any) -> None:
    tool, _ = tool_that_fails(flavor, LOST)
    answer = flavor.answer(tool, policy=replace(ONCE, verify=lambda call: said))

    assert (answer.content, answer.tool_call_id, answer.name, answer.status) == (content, "c1", "charge", "success")


@NODE
def test_verify_may_return_a_command_and_an_artifact(flavor: Flavor) -> None:
    command = Command(update={"messages": [ToolMessage("paid", tool_call_id="c1")]})
    tool, _ = tool_that_fails(flavor, LOST)
    assert flavor.answer(tool, policy=replace(ONCE, verify=lambda call: command)).content == "paid"

    tool, _ = tool_that_fails(flavor, LOST, response_format="content_and_artifact")
    answer = flavor.answer(tool, policy=replace(ONCE, verify=lambda call: ("paid", [1])))
    assert (answer.content, answer.artifact) == ("paid", [1])


@NODE
def test_what_does_not_answer_the_call_is_no_result(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    for said in (Command(update={"messages": []}), cyclic):
        tool, _ = tool_that_fails(flavor, LOST)
        answer = flavor.answer(tool, policy=replace(ONCE, verify=lambda call, said=said: said))

        assert "unknown whether it took effect" in answer.content
        assert "which cannot be a result" in caplog.text
        caplog.clear()


def test_sync_and_async_functions_verify_sync_and_async_tools(flavor: Flavor) -> None:
    async def averify(call: DoubtfulCall) -> str:
        await asyncio.sleep(0)
        return "async"

    def hidden(call: DoubtfulCall) -> Any:
        return averify(call)

    for verify, content in ((averify, "async"), (hidden, "async"), (lambda call: "sync", "sync")):
        tool, _ = tool_that_fails(flavor, LOST)
        assert flavor.answer(tool, policy=replace(ONCE, verify=verify)).content == content


def test_a_call_that_did_not_happen_and_is_given_up_says_so(flavor: Flavor) -> None:
    tool, fails = tool_that_fails(flavor, *[LOST] * 9)
    answer = flavor.answer(tool, policy=replace(ONCE, verify=lambda call: False))

    assert fails.runs == 3
    assert "It did not take effect." in answer.content
    assert answer.artifact["may_have_acted"] is False


def test_an_error_that_no_retry_helps_is_verified_too(flavor: Flavor) -> None:
    tool, fails = tool_that_fails(flavor, KeyError("charge"))
    assert flavor.answer(tool, policy=replace(ONCE, verify=lambda call: "paid")).content == "paid"

    tool, fails = tool_that_fails(flavor, *[KeyError("charge")] * 2)
    answer = flavor.answer(tool, policy=replace(ONCE, verify=lambda call: False))
    assert (fails.runs, answer.artifact["may_have_acted"]) == (1, False)


def test_a_returned_error_is_verified_too(flavor: Flavor) -> None:
    def charge() -> ToolMessage:
        return ToolMessage("lost", status="error", tool_call_id="c1")

    assert flavor.answer(flavor.tool(charge), policy=replace(ONCE, verify=lambda call: "paid")).content == "paid"


def test_refused_credentials_are_renewed_only_where_nothing_happened(flavor: Flavor) -> None:
    for said, runs, content in ((False, 2, "done"), ("paid", 1, "paid")):
        tool, fails = tool_that_fails(flavor, http_error(401))
        policy = replace(ONCE, verify=lambda call, said=said: said)
        answer = flavor.answer(tool, policy=policy, on_auth_failure=lambda event: True)

        assert (fails.runs, answer.content) == (runs, content)

    tool, fails = tool_that_fails(flavor, http_error(401))
    answer = flavor.answer(tool, policy=ONCE, on_auth_failure=lambda event: True)
    assert fails.runs == 1
    assert "unknown whether it took effect" in answer.content


def test_a_sync_tool_that_is_still_running_is_not_run_again_whatever_is_found() -> None:
    flavor, released = Flavor(is_async=False), threading.Event()
    runs: list[str] = []

    def charge() -> str:
        runs.append("run")
        released.wait(10)
        return "late"

    policy = replace(ONCE, attempt_timeout=0.1, verify=lambda call: False)
    answer = flavor.answer(flavor.tool(charge), policy=policy)
    released.set()

    assert runs == ["run"]
    assert answer.artifact["reason"] == "veto"


def test_a_call_that_never_ran_is_not_asked_about(flavor: Flavor) -> None:
    asked: list[DoubtfulCall] = []

    def charge(amount: int) -> str:
        return "paid"

    answer = flavor.answer(flavor.tool(charge), arguments={"amount": "five"}, policy=replace(ONCE, verify=asked.append))

    assert answer.status == "error"
    assert asked == []


@NODE
def test_the_wrapper_of_the_user_sees_the_result(flavor: Flavor) -> None:
    seen: list[Any] = []

    def around(request: Any, execute: Any) -> Any:
        seen.append(execute(request))
        return seen[-1]

    async def aaround(request: Any, execute: Any) -> Any:
        seen.append(await execute(request))
        return seen[-1]

    tool, _ = tool_that_fails(flavor, LOST)
    wrapped = {"awrap_tool_call": aaround} if flavor.is_async else {"wrap_tool_call": around}
    answer = flavor.answer(tool, policy=replace(ONCE, verify=lambda call: "paid"), **wrapped)

    assert answer.content == "paid"
    assert [each.content for each in seen] == ["paid"]


def test_a_resumed_run_verifies_too(flavor: Flavor) -> None:
    fails, thread = Flaky([LOST]), {"configurable": {"thread_id": "1"}}

    def charge() -> str:
        interrupt("charge?")
        return str(fails())

    policy = replace(ONCE, verify=lambda call: "paid")
    graph = flavor.graph_of([flavor.tool(charge)], checkpointer=InMemorySaver(), policy=policy)
    flavor.run(graph, asking(("charge", {})), thread)
    (answer,) = answers_in(flavor.run(graph, Command(resume="yes"), thread))

    assert (answer.content, fails.runs) == ("paid", 1)


@NODE
def test_an_interrupt_or_cancellation_in_verify_is_no_answer_of_it() -> None:
    async def charge() -> str:
        raise LOST

    async def cancels(call: DoubtfulCall) -> None:
        await asyncio.sleep(10)

    async def main() -> None:
        tool = StructuredTool.from_function(coroutine=charge, name="charge", description="Charges.")
        graph = Flavor(is_async=True).graph_of([tool], policy=replace(ONCE, verify=cancels))
        run = asyncio.create_task(graph.ainvoke(asking(("charge", {}))))
        await asyncio.sleep(0.1)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(main())


@NODE
def test_the_report_shows_what_was_found(flavor: Flavor) -> None:
    for said, runs, found in (("paid", 1, "happened"), (False, 2, "did not happen"), (None, 1, "unknown")):
        events: list[ToolEvent] = []
        tool, _ = tool_that_fails(flavor, LOST)
        policy = replace(ONCE, verify=lambda call, said=said: said)
        flavor.answer(tool, policy=policy, observer=events.append)
        (call,) = RunReport.from_events(event.as_dict() for event in events).calls

        assert call.attempts == runs
        assert call.error == f"timeout, ReadTimeout, verified: {found}"
        assert call.ending == ("failed" if said is None else "recovered")
        assert [span.kind for span in call.spans if span.kind != "wait"] == ["failed", "ok"][:runs]


@NODE
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"verify": "yes"}, TypeError, "verify must be a function of a DoubtfulCall, or None, not 'yes'"),
        ({"verify_after": -1}, ValueError, "verify_after must be a finite number of seconds, at least 0, not -1"),
        ({"verify_after": 60}, ValueError, "verify_after must be below the deadline, 60.0, not 60"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RetryPolicy(**options)


@NODE
def test_a_tool_with_a_verify_must_not_act_twice_unless_it_is_declared_to_be_idempotent() -> None:
    assert RetryPolicy(verify=lambda call: None).idempotent is False
    assert RetryPolicy(verify=lambda call: None, idempotent=True).idempotent is True
