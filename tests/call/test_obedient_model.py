"""How many requests one user request sends to a dead service, over real HTTP, with an obedient or a stubborn model.

The obedient model calls again only if the answer can be read as an invitation to, and does
not if it says how to go on without a result. The stubborn model calls again, ten times, whatever it
reads, with the same arguments or with others.
"""

import re
from typing import Any

import httpx
import pytest
from langchain_core.messages import AnyMessage, ToolMessage
from langgraph.prebuilt import tools_condition

from agent_tools import ResilientToolNode, RetryPolicy
from agent_tools.testing import FaultyServer, Reply, ScriptedChatModel, call, check_history, no_waiting, refused_url
from tests.routing.bots import Bot, bot_graph, saying
from tests.support.toolbox import Flavor

#: Phrases after which a well-meaning model repeats the call.
INVITATION = re.compile(
    r"\b(again|retry|repeat|please|later|once more|another attempt|call it|fix your)\b", re.IGNORECASE
)

#: Phrases at the end of an answer that a well-meaning model follows instead.
WAY_ON = re.compile(r"\bcontinue without (it|its result)\.$")

#: "It was not run again" and "check before doing it again" are no invitations.
NO_INVITATION = re.compile(r"not run again|before doing it again|repeating it does not change")

#: The most calls of the stubborn model.
MOST_CALLS = 10


class Bench:
    """A tool, its service, which fails in one way, and the requests that have reached it."""

    def __init__(self, flavor: Flavor, replies: Any, policy: RetryPolicy | None = None) -> None:
        self.flavor = flavor
        self.server = FaultyServer({"*": replies})
        self.policy = policy or RetryPolicy()
        self.runs = 0
        self.url: str | None = None

    def ask(self, model: ScriptedChatModel) -> list[AnyMessage]:
        """Return the messages of one user request."""

        def lookup(order: int = 0) -> str:
            self.runs += 1
            with httpx.Client(timeout=0.2) as client:
                return client.get(f"{self.url or self.server.url}/orders/{order}").raise_for_status().text

        node = ResilientToolNode([self.flavor.tool(lookup)], policy=self.policy)
        with self.server, no_waiting():
            messages: list[AnyMessage] = Bot(self.flavor, bot_graph(model, node, route=tools_condition)).run(
                saying("where is my order?")
            )
        check_history(messages)
        return messages


def is_invited(answer: AnyMessage) -> bool:
    text = NO_INVITATION.sub("", answer.text)
    return INVITATION.search(text) is not None or WAY_ON.search(text) is None


def obedient() -> ScriptedChatModel:
    """Return a model that calls again while the last answer invites it to."""

    def obey(messages: list[AnyMessage]) -> Any:
        answers = [message for message in messages if isinstance(message, ToolMessage)]
        if not is_invited(answers[-1]) or len(answers) == MOST_CALLS:
            return "I cannot look it up at present."
        return call("lookup", order=1)

    return ScriptedChatModel([call("lookup", order=1)], then=obey)  # type: ignore[arg-type]


def stubborn(*, varied: bool) -> ScriptedChatModel:
    """Return a model that calls again and again, whatever the answers say."""
    calls = [call("lookup", order=number if varied else 1) for number in range(MOST_CALLS)]
    return ScriptedChatModel(calls, then="I give up.")


READ_ONLY = RetryPolicy(idempotent=True, retry_on={"retryable", "timeout", "network"})

#: How the service fails, the policy of the tool, and how many requests one call sends.
CASES = {
    "503": (503, None, 3),
    "500": (500, None, 3),
    "404": (404, None, 1),
    "401": (401, None, 1),
    "422": (422, None, 1),
    "timeout": (Reply(fault="stall"), None, 1),
    "timeout, read only": (Reply(fault="stall"), READ_ONLY, 3),
    "reset": (Reply(fault="reset"), None, 1),
    "reset, read only": (Reply(fault="reset"), READ_ONLY, 3),
    "a wait of an hour": (Reply(429, headers={"Retry-After": "3600"}), None, 1),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Any:
    return CASES[request.param]


def test_a_model_that_obeys_makes_one_call_and_then_answers_the_user(flavor: Flavor, case: Any) -> None:
    replies, policy, requests = case
    bench = Bench(flavor, replies, policy)
    messages = bench.ask(obedient())

    assert bench.server.count() == requests <= 3
    assert [message.type for message in messages] == ["human", "ai", "tool", "ai"]
    assert messages[-1].content == "I cannot look it up at present."


@pytest.mark.untraced
@pytest.mark.parametrize("varied", [False, True])
def test_of_ten_calls_of_a_model_that_never_stops_few_are_run(flavor: Flavor, case: Any, *, varied: bool) -> None:
    replies, policy, requests = case
    bench = Bench(flavor, replies, policy)
    messages = bench.ask(stubborn(varied=varied))

    answers = [message for message in messages if isinstance(message, ToolMessage)]
    assert [answer.status for answer in answers] == ["error"] * MOST_CALLS
    assert not any(is_invited(answer) for answer in answers)
    run = [answer for answer in answers if answer.artifact["attempts"]]
    bound = (8 if replies in (401, 404, 422) else 3) if varied else (1 if replies == 401 else 2)
    assert run == answers[:bound]
    assert bench.server.count() == bench.runs <= requests * len(run)


@pytest.mark.parametrize(("policy", "runs"), [(None, 1), (READ_ONLY, 3)])
def test_an_address_where_nobody_listens_is_called_as_seldom(
    flavor: Flavor, policy: RetryPolicy | None, runs: int
) -> None:
    bench = Bench(flavor, 200, policy)
    bench.url = refused_url()
    bench.ask(obedient())

    assert bench.runs == runs


def test_a_model_that_reads_an_invitation_follows_it() -> None:
    """The check of phrases works: it finds the invitation in the texts of other libraries."""
    inviting = [
        "Tool 'lookup' failed after 3 attempts with ConnectError: refused. Please try again.",
        "Error: HTTPStatusError('503')\n Please fix your mistakes.",
        "`lookup` failed. You may retry later.",
        "`lookup` is not available.",
    ]
    assert [is_invited(ToolMessage(text, tool_call_id="c1")) for text in inviting] == [True] * 4
