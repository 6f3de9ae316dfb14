"""Refused credentials are renewed once for all calls, or the call is answered."""

import asyncio
import threading
import time
from typing import Any

import httpx
import pytest
from langchain_core.tools import StructuredTool

from agent_tools import RetryPolicy, ToolEvent
from agent_tools.testing import FaultyServer, Reply
from tests.support.toolbox import Door, Flaky, Flavor, answers_in, asking, graph_of, http_error

pytestmark = pytest.mark.doors("node", "create_agent")


@pytest.mark.parametrize("is_async_hook", [False, True], ids=["sync hook", "async hook"])
def test_credentials_are_renewed_once_for_parallel_calls_which_then_get_one_more_attempt(
    flavor: Flavor, is_async_hook: bool
) -> None:
    if is_async_hook and not flavor.is_async:
        with pytest.raises(TypeError, match="on_auth_failure must be a sync function in a sync run"):
            _renewing(flavor, _async(lambda event: True))
        return
    token, renewals, together = ["old"], list[str](), threading.Barrier(5)

    def renew(event: ToolEvent) -> bool:
        time.sleep(0.05)
        renewals.append(event.tool)
        token[0] = "new"
        return True

    with FaultyServer(lambda request: Reply(200 if request.headers["x-token"] == "new" else 401)) as server:

        def lookup() -> str:
            used = token[0]
            if used == "old":
                together.wait(10)  # else one of them might begin with the new credentials
            return httpx.get(server.url, headers={"x-token": used}).raise_for_status().text or "fine"

        hook = _async(renew) if is_async_hook else renew
        answers = flavor.answers([flavor.tool(lookup)], *[("lookup", {})] * 5, on_auth_failure=hook)

        assert [answer.content for answer in answers] == ["fine"] * 5
        assert len(server.requests) == 10
    assert renewals == ["lookup"]


def _async(hook: Any) -> Any:
    async def renew(event: ToolEvent) -> bool:
        return bool(hook(event))

    return renew


def _renewing(flavor: Flavor, hook: Any, *errors: Exception) -> tuple[Any, int]:
    fails = Flaky(errors or [http_error(401)] * 9)

    def lookup() -> str:
        return str(fails())

    return flavor.answer(flavor.tool(lookup), on_auth_failure=hook), fails.runs


def test_credentials_that_are_refused_again_or_cannot_be_renewed_give_the_auth_answer(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    def raises(event: ToolEvent) -> bool:
        raise KeyError("SK-SECRET-123")

    for hook, runs in [(lambda event: True, 2), (lambda event: False, 1), (raises, 1)]:
        answer, ran = _renewing(flavor, hook)

        assert ran == runs
        assert answer.artifact["category"] == "auth_failure"
        assert "credentials are not accepted" in answer.content
    assert "SK-SECRET" not in caplog.text


class RenewsLater:
    """Async, but not a coroutine function."""

    def __init__(self, *, renewed: bool) -> None:
        self.renewed = renewed
        self.asked = 0

    async def __call__(self, event: ToolEvent) -> bool:
        self.asked += 1
        return self.renewed


def _behind(hook: Any) -> Any:
    def renew(event: ToolEvent) -> Any:
        return hook(event)

    return renew


@pytest.mark.parametrize("renewed", [True, False])
@pytest.mark.parametrize("hide", [lambda hook: hook, _behind], ids=["object", "function around it"])
def test_what_is_async_without_being_a_coroutine_function_is_asked_of_the_credentials_too(
    flavor: Flavor, hide: Any, *, renewed: bool
) -> None:
    hook = RenewsLater(renewed=renewed)
    if not flavor.is_async:
        with pytest.raises(TypeError, match="on_auth_failure must be a sync function in a sync run"):
            _renewing(flavor, hide(hook))
        return
    _, ran = _renewing(flavor, hide(hook))

    assert (hook.asked, ran) == (1, 2 if renewed else 1)


@pytest.mark.anyio
async def test_a_renewal_that_hangs_ends_with_the_deadline(door: Door) -> None:
    async def lookup() -> str:
        raise http_error(401)

    async def hangs(event: ToolEvent) -> bool:
        await asyncio.sleep(30)
        return True

    tool = StructuredTool.from_function(coroutine=lookup, description="Looks up.")
    graph = graph_of([tool], door=door, on_auth_failure=hangs, policy=RetryPolicy(deadline=0.3))
    started = time.monotonic()
    (answer,) = answers_in(await asyncio.wait_for(graph.ainvoke(asking(("lookup", {}))), 5))

    assert time.monotonic() - started < 1
    assert (answer.artifact["category"], answer.artifact["attempts"]) == ("auth_failure", 1)


def test_a_renewal_that_cancels_itself_is_none_and_siblings_keep_their_results(flavor: Flavor) -> None:
    def lookup() -> str:
        raise http_error(401)

    def works() -> str:
        return "fine"

    def cancels(event: ToolEvent) -> bool:
        raise asyncio.CancelledError

    for hook in [cancels, *([_async(cancels)] if flavor.is_async else [])]:
        tools = [flavor.tool(lookup), flavor.tool(works)]
        refused, fine = flavor.answers(tools, ("lookup", {}), ("works", {}), on_auth_failure=hook)

        assert (refused.artifact["category"], fine.content) == ("auth_failure", "fine")
