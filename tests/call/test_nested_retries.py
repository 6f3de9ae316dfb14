"""Other layers that retry the same call are logged once, from the evidence in their errors. The layers are real."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import botocore.config
import botocore.session
import httpx
import pytest
import requests
import tenacity
import urllib3
from httpx_retries import Retry, RetryTransport
from langchain.agents.middleware import ToolRetryMiddleware
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import RetryPolicy as NodeRetryPolicy
from requests.adapters import HTTPAdapter

from agent_tools import ResilientToolNode
from agent_tools.testing import FaultyServer, Reply, refused_url
from tests.support.toolbox import AT_ONCE, Flavor, agent_of, asking, graph_of, http_error


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer({"*": Reply(503, {"error": {"message": "down"}}, headers={"retry-after-ms": "1"})}) as server:
        yield server


def with_openai(url: str, retries: int) -> Any:
    import openai  # noqa: PLC0415  # slow

    with openai.OpenAI(base_url=url, api_key="k", max_retries=retries) as client:
        return client.models.list()


def with_anthropic(url: str, retries: int) -> Any:
    import anthropic  # noqa: PLC0415  # slow

    with anthropic.Anthropic(base_url=url, api_key="k", max_retries=retries) as client:
        return client.models.list()


def with_httpx_retries(url: str, retries: int) -> Any:
    with httpx.Client(transport=RetryTransport(retry=Retry(total=retries, backoff_factor=0))) as client:
        return client.get(url).raise_for_status()


def with_requests(url: str, retries: int) -> Any:
    again = urllib3.Retry(retries, status_forcelist=[503], raise_on_status=False, respect_retry_after_header=False)
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=again))
        session.get(url, timeout=5).raise_for_status()


def with_tenacity(url: str, retries: int) -> Any:
    @tenacity.retry(stop=tenacity.stop_after_attempt(retries + 1))
    def get() -> Any:
        with httpx.Client() as client:
            return client.get(url).raise_for_status()

    return get()


#: One session for all clients: each new one would read the descriptions of all services again.
BOTOCORE = botocore.session.get_session()


def with_botocore(url: str, retries: int) -> Any:
    config = botocore.config.Config(retries={"total_max_attempts": retries + 1, "mode": "standard"})
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "eu-central-1"}
    client = BOTOCORE.create_client("sqs", endpoint_url=url, config=config, **keys)
    try:
        return client.list_queues()
    finally:
        client.close()


ALL = [with_openai, with_anthropic, with_httpx_retries, with_requests, with_tenacity, with_botocore]
NAME_AND_ADVICE = {
    with_openai: ("openai", "max_retries=0"),
    with_anthropic: ("anthropic", "max_retries=0"),
    with_httpx_retries: ("httpx-retries", "a plain transport"),
    with_requests: ("urllib3's Retry", "max_retries=0"),
    with_tenacity: ("tenacity", "take its decorator off"),
    with_botocore: ("botocore", "total_max_attempts"),
}


def notes(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if "the attempts multiply" in each.getMessage()]


def call_twice(flavor: Flavor, body: Callable[[], Any]) -> None:
    def lookup() -> str:
        return str(body())

    graph = graph_of([flavor.tool(lookup)], policy=AT_ONCE, circuit=None, budget=None)
    for _ in range(2):
        flavor.run(graph, asking(("lookup", {})))


@pytest.mark.parametrize("client", ALL)
def test_a_client_that_retries_by_itself_is_noticed_once(
    flavor: Flavor, client: Any, server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="agent_tools"):
        call_twice(flavor, lambda: client(server.url, 1))

    name, advice = NAME_AND_ADVICE[client]
    (note,) = notes(caplog)
    assert note.startswith(f"lookup is retried by {name}, too")
    assert advice in note
    assert "RetryPolicy(max_attempts=1)" in note


@pytest.mark.parametrize("client", ALL)
def test_a_client_that_makes_one_attempt_is_not(
    flavor: Flavor, client: Any, server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    call_twice(flavor, lambda: client(server.url, 0))

    assert notes(caplog) == []


@pytest.mark.parametrize("retries", [0, 1])
def test_it_is_noticed_too_where_no_response_came(
    flavor: Flavor, retries: int, caplog: pytest.LogCaptureFixture
) -> None:
    call_twice(flavor, lambda: with_openai(refused_url(), retries))

    assert len(notes(caplog)) == retries


def test_a_retry_policy_of_the_node_is_noticed_on_its_second_run(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    def lookup() -> str:
        raise http_error(503)

    node = ResilientToolNode([flavor.tool(lookup)], policy=AT_ONCE, handle_tool_errors=False, circuit=None)
    again = NodeRetryPolicy(max_attempts=2, initial_interval=0.01, retry_on=lambda error: True)
    builder = StateGraph(MessagesState).add_node("tools", node, retry_policy=again)
    with pytest.raises(httpx.HTTPStatusError):
        flavor.run(builder.add_edge(START, "tools").compile(), asking(("lookup", {})))

    (note,) = notes(caplog)
    assert note.startswith("lookup is retried by retry_policy of the node, too")


def test_the_middleware_that_retries_is_noticed_by_its_answer(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    inside = ToolRetryMiddleware(max_retries=1, initial_delay=0)

    def lookup() -> str:
        raise http_error(503)

    flavor.run(agent_of([flavor.tool(lookup)], inside=[inside]), asking(("lookup", {})))

    (note,) = notes(caplog)
    assert note.startswith("lookup is retried by ToolRetryMiddleware, too")
    assert "remove it for this tool" in note


class HostileError(Exception):
    """Has a response whose attributes raise."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_an_error_that_cannot_be_looked_at_is_answered_all_the_same(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise HostileError

    call_twice(flavor, fail)
    assert notes(caplog) == []
