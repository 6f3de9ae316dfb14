"""The check at the end of the demo fails whenever something is wrong."""

import asyncio
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from io import StringIO

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver

from agent_tools import ToolErrorHandler
from agent_tools.demo.api import API_KEY, COLLEAGUE, INTERNAL_HOST, open_shop
from agent_tools.demo.graph import build_graph
from agent_tools.demo.plain import PlainView
from agent_tools.demo.progress import State
from agent_tools.demo.promises import Evidence, check_always, check_numbers
from agent_tools.demo.run import converse
from agent_tools.demo.script import QUESTIONS, scripted_model
from agent_tools.demo.tools import connect, make_policies, make_tools
from agent_tools.demo.view import Screen

Falsify = Callable[[Evidence], Evidence | None]


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """Return the evidence of a run that kept all promises."""
    with open_shop() as shop:

        async def conversation() -> Evidence:
            async with connect(shop.services) as client:
                tools, handler = (
                    make_tools(client, shop.services),
                    ToolErrorHandler(per_tool=make_policies(shop.services)),
                )
                graph = build_graph(scripted_model(), tools, handler=handler, checkpointer=InMemorySaver())
                screen = Screen(StringIO())
                recording = await converse(graph, QUESTIONS, PlainView(screen), requests=lambda: shop.server.requests)
                return Evidence(
                    recording=recording, screen=screen.shown(), secrets=shop.secrets(), refunds=shop.refunds
                )

        return asyncio.run(conversation())


def broken_by(evidence: Evidence) -> set[str]:
    return {check.subject for check in [*check_numbers(evidence), *check_always(evidence)] if not check.is_kept}


def test_a_run_as_promised_keeps_all_promises(evidence: Evidence) -> None:
    assert broken_by(evidence) == set()


# ---- each of these falsifies the evidence, and names the promises that must fail ----


def lost_answer(evidence: Evidence) -> None:
    evidence.recording.turns[0].answers.pop()


def second_answer(evidence: Evidence) -> None:
    evidence.recording.turns[0].answers.append(evidence.recording.turns[0].answers[0])


def lost_call(evidence: Evidence) -> None:
    turn = evidence.recording.turns[0]
    call_id = next(call_id for call_id, call in turn.calls.items() if call.tool == "search_help")
    del turn.calls[call_id]
    turn.answers = [answer for answer in turn.answers if answer.tool_call_id != call_id]


def extra_request(path: str) -> Falsify:
    def lie(evidence: Evidence) -> None:
        requests = evidence.recording.turns[0].requests
        (last, *_) = [request for request in reversed(requests) if request.path == path]
        requests.append(replace(last, at=last.at + 60))

    return lie


def other_state(tool: str, state: State) -> Falsify:
    def lie(evidence: Evidence) -> None:
        for call in evidence.recording.turns[0].calls.values():
            if call.tool == tool:
                call.state = state

    return lie


def other_category(tool: str) -> Falsify:
    def lie(evidence: Evidence) -> None:
        for call in evidence.recording.turns[0].calls.values():
            if call.tool == tool:
                call.category = "something_else"

    return lie


def request_to_the_help_pages(evidence: Evidence) -> None:
    requests = evidence.recording.turns[0].requests
    requests.append(replace(requests[0], method="GET", path="/search"))


def came_back_too_early(evidence: Evidence) -> None:
    requests = evidence.recording.turns[0].requests
    requests[:] = [replace(request, at=0.9 * number) for number, request in enumerate(requests)]
    shipments = [number for number, request in enumerate(requests) if request.path.startswith("/shipments")]
    first, second = shipments
    requests[second] = replace(requests[second], at=requests[first].at + 0.99)


def paid_twice(evidence: Evidence) -> Evidence:
    return replace(evidence, refunds={"A-1007": [49.0, 49.0]})


def never_paid(evidence: Evidence) -> Evidence:
    return replace(evidence, refunds={})


def request_without_key(evidence: Evidence) -> None:
    requests = evidence.recording.turns[0].requests
    requests[0] = replace(requests[0], query_string="")


def harmless_errors(evidence: Evidence) -> None:
    evidence.recording.turns[0].raw_errors = ["503"]


def second_turn_refused(evidence: Evidence) -> None:
    evidence.recording.turns[1].reply = ""


def second_turn_missing(evidence: Evidence) -> None:
    evidence.recording.turns.pop()


def key_in_history(evidence: Evidence) -> None:
    evidence.recording.messages.append(AIMessage(f"try {API_KEY}"))


def key_in_artifact(evidence: Evidence) -> None:
    evidence.recording.turns[0].answers[0].artifact = {"url": f"http://shop/?api_key={API_KEY}"}


def host_in_event(evidence: Evidence) -> None:
    evidence.recording.turns[0].events.append({"type": "tool_retry", "detail": INTERNAL_HOST})


def address_in_reply(evidence: Evidence) -> None:
    evidence.recording.turns[1].reply += f" Write to {COLLEAGUE}."


def key_on_screen(evidence: Evidence) -> Evidence:
    return replace(evidence, screen=evidence.screen + API_KEY)


LIES: list[tuple[Falsify, set[str]]] = [
    (lost_answer, {"every call"}),
    (second_answer, {"every call"}),
    (lost_call, {"search_help warranty", "all together"}),
    (extra_request("/orders/A-1042"), {"get_order A-1042", "all together"}),
    (extra_request("/refunds"), {"refund_order A-1007", "all together"}),
    (other_state("get_shipping", State.FAILED), {"get_shipping A-1042"}),
    (other_state("get_order", State.WAITING), {"get_order A-1042", "get_order A-1007"}),
    (other_category("get_customer"), {"get_customer C-88"}),
    (other_category("check_stock"), {"check_stock blue kettle"}),
    (request_to_the_help_pages, {"search_help warranty", "all together"}),
    (came_back_too_early, {"Retry-After: 1"}),
    (paid_twice, {"paid back"}),
    (never_paid, {"paid back"}),
    (request_without_key, {"the key was sent"}),
    (harmless_errors, {"secrets raised"}),
    (second_turn_refused, {"every turn"}),
    (second_turn_missing, {"every turn", "get_order A-1007, turn 2", "all together"}),
    (key_in_history, {"secrets shown"}),
    (key_in_artifact, {"secrets shown"}),
    (host_in_event, {"secrets shown"}),
    (address_in_reply, {"secrets shown"}),
    (key_on_screen, {"secrets shown"}),
]


def names_of(lies: list[tuple[Falsify, set[str]]]) -> list[str]:
    return [f"{number}-{lie.__qualname__.partition('.')[0]}" for number, (lie, _) in enumerate(lies)]


@pytest.mark.parametrize(("lie", "noticed"), LIES, ids=names_of(LIES))
def test_a_lie_breaks_the_promises_that_it_is_about_and_no_other(
    evidence: Evidence, lie: Falsify, noticed: set[str]
) -> None:
    copy = deepcopy(evidence)

    assert broken_by(lie(copy) or copy) == noticed


def test_each_promise_is_broken_by_some_lie(evidence: Evidence) -> None:
    promised = {check.subject for check in [*check_numbers(evidence), *check_always(evidence)]}

    assert set.union(*(noticed for _, noticed in LIES)) == promised


def test_a_secret_is_found_on_the_screen_across_colors_frames_and_line_breaks() -> None:
    screen = Screen(StringIO())
    screen.write(f"│ {API_KEY[:9]} │\n│ \x1b[1;31m{API_KEY[9:]}\x1b[0m │")

    assert API_KEY in screen.shown()
