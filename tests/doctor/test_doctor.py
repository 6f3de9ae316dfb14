"""The doctor finds each planted mistake and no others, and makes no call."""

import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from io import StringIO
from typing import Any

import aiohttp
import httpx
import pytest
import requests
from httpx_retries import RetryTransport
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, ToolRetryMiddleware
from langchain.agents.middleware.tool_error import ToolErrorMiddleware
from langchain_core.tools import BaseTool, StructuredTool, tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import RetryPolicy as NodeRetryPolicy
from rich.console import Console

from agent_tools import RedisHealth, ResilientToolNode, RetryPolicy, ToolErrorHandler
from agent_tools.doctor import Checkup, doctor
from agent_tools.doctor.__main__ import main
from agent_tools.doctor._show import show
from agent_tools.idempotency import send_idempotency_key
from agent_tools.middleware import ResilientToolMiddleware
from agent_tools.testing import ScriptedChatModel

PATIENT, IMPATIENT = httpx.Client(timeout=None), httpx.Client(timeout=3.0, base_url="https://shop.example")  # noqa: S113
KEYED = httpx.Client(event_hooks={"request": [send_idempotency_key]}, base_url="https://pay.example")


def graph_with(node: Any, **options: Any) -> Any:
    return StateGraph(MessagesState).add_node("tools", node, **options).add_edge(START, "tools").compile()


def agent_with(*middleware: Any) -> Any:
    return create_agent(ScriptedChatModel(["done"]), [get_order], middleware=middleware)


def get_order(order: str) -> str:
    """Look up an order."""
    return IMPATIENT.get(f"/orders/{order}").text


def rules(checkup: Checkup) -> list[str]:
    return [finding.rule for finding in checkup.findings]


def of_body(body: Callable[..., Any], **options: Any) -> Checkup:
    return doctor(ResilientToolNode([body], **options))


def test_a_healthy_agent_has_no_findings() -> None:
    for agent in (ResilientToolNode([get_order]), agent_with(ResilientToolMiddleware())):
        checkup = doctor(agent)
        assert rules(checkup) == []
        (facts,) = checkup.tools
        assert (facts.retried, facts.limit, facts.host) == ("retryable, 3 in all", "3 s per read", "shop.example")
        assert (facts.twice, facts.key) == ("seems read-only", "no")


# ---- clients ----


def waits_for_ever(order: str) -> str:
    """Look up."""
    return PATIENT.get(order).text


def get_by_requests(order: str) -> str:
    """Look up."""
    return requests.get("https://shop.example/orders").text  # noqa: S113


def get_without_limit(order: str) -> str:
    """Look up."""
    return httpx.get("https://shop.example/orders", timeout=None).text  # noqa: S113


def get_in_time(order: str) -> str:
    """Look up."""
    return requests.get("https://shop.example/orders", timeout=5).text + httpx.get("https://shop.example").text


def asks_a_helper(order: str) -> str:
    """Look up."""
    return waits_for_ever(order)


class Shop:
    def __init__(self) -> None:
        self.client = PATIENT

    def look_up(self, order: str) -> str:
        """Look up."""
        return self.client.get(order).text


@tool
async def read_page(url: str) -> str:
    """Read a page."""
    return waits_for_ever(url)


@pytest.mark.parametrize(
    "body",
    [waits_for_ever, get_by_requests, get_without_limit, asks_a_helper, Shop().look_up, read_page],
    ids=["client", "requests", "httpx", "helper", "method", "async tool"],
)
def test_a_client_that_waits_forever_is_found(body: Any) -> None:
    checkup = of_body(body)
    assert rules(checkup) == ["no-timeout"]
    assert checkup.tools[0].limit == "no limit"
    assert rules(of_body(body, policy=RetryPolicy(attempt_timeout=5))) == []


BASE = "https://api.shop.example/v1"


def get_from_base(order: str) -> str:
    """Look up an order."""
    return httpx.get(f"{BASE}/orders/{order}").text


def get_from_text(order: str) -> str:
    """Look up an order."""
    return httpx.get(f"https://orders.shop.example/{order}").text


def get_anything(url: str) -> str:
    """Look up a page."""
    return httpx.get(f"https://{url}").text


def test_the_host_of_a_url_is_shown_where_source_or_variables_tell_it() -> None:
    bodies = (get_from_base, get_from_text, get_anything)
    hosts = [of_body(body).tools[0].host for body in bodies]

    assert hosts == ["api.shop.example", "orders.shop.example", "made at run time"]


def test_a_request_that_ends_in_time_is_no_finding() -> None:
    checkup = of_body(get_in_time)
    assert (rules(checkup), checkup.tools[0].host) == ([], "shop.example")


def with_client(client: Any) -> BaseTool:
    def look_up(order: str) -> str:
        """Look up."""
        return str(client.get(order))

    return StructuredTool.from_function(look_up)


def openai_client(**options: Any) -> Any:
    import openai  # noqa: PLC0415  # slow

    return openai.OpenAI(api_key="x", **options)


def retrying_session() -> requests.Session:
    session = requests.Session()
    session.mount("https://", requests.adapters.HTTPAdapter(max_retries=3))
    return session


@pytest.mark.parametrize(
    ("made", "layer"),
    [
        (lambda: httpx.Client(transport=httpx.HTTPTransport(retries=2)), "HTTPTransport(retries=)"),
        (lambda: httpx.Client(transport=RetryTransport()), "RetryTransport"),
        (openai_client, "openai.OpenAI(max_retries=2)"),
        (retrying_session, "urllib3's Retry"),
    ],
    ids=["transport", "httpx-retries", "SDK", "requests"],
)
def test_a_second_retry_layer_is_found(made: Callable[[], Any], layer: str) -> None:
    client = made()
    checkup = doctor(ResilientToolNode([with_client(client)]))
    assert rules(checkup) == ["second-retry"]
    assert checkup.findings[0].problem.startswith(layer)
    assert rules(doctor(ResilientToolNode([with_client(client)], policy=RetryPolicy(max_attempts=1)))) == []


@pytest.mark.parametrize("made", [httpx.Client, lambda: openai_client(max_retries=0), requests.Session])
def test_a_client_that_does_not_retry_is_no_finding(made: Callable[[], Any]) -> None:
    assert rules(doctor(ResilientToolNode([with_client(made())]))) == []


@pytest.mark.anyio
async def test_clients_of_aiohttp_are_read() -> None:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as patient,
        aiohttp.ClientSession() as other,
    ):
        assert rules(doctor(ResilientToolNode([with_client(patient)]))) == ["no-timeout"]
        assert rules(doctor(ResilientToolNode([with_client(other)]))) == []


def test_a_client_of_botocore_retries_by_itself() -> None:
    class Config:
        retries = None
        read_timeout = 60

    class Meta:
        config = Config
        endpoint_url = "https://sts.example"

    base = type("BaseClient", (), {"__module__": "botocore.client", "meta": Meta})
    client = type("STS", (base,), {"__module__": "botocore.client"})()
    checkup = doctor(ResilientToolNode([with_client(client)]))
    assert (rules(checkup), checkup.tools[0].host) == (["second-retry"], "sts.example")


# ---- effects ----


def send_email(to: str) -> str:
    """Send."""
    return to


def look_up_by_post(order: str) -> str:
    """Look up."""
    return IMPATIENT.post("/search", json={"order": order}).text


def get_by_request(order: str) -> str:
    """Look up."""
    return IMPATIENT.request("DELETE", order).text


@pytest.mark.parametrize("body", [send_email, look_up_by_post, get_by_request])
@pytest.mark.parametrize(("declared", "expected"), [(None, ["undeclared"]), (True, []), (False, [])])
def test_a_tool_that_may_change_something_has_to_be_declared(body: Any, declared: Any, expected: list[str]) -> None:
    checkup = of_body(body, per_tool={body.__name__: RetryPolicy(idempotent=declared)})
    assert rules(checkup) == expected
    assert checkup.tools[0].twice == {None: "yes, undeclared", True: "yes, declared harmless", False: "no"}[declared]


def test_the_key_is_seen_at_the_client() -> None:
    def charge(amount: int) -> str:
        """Charge."""
        return KEYED.post("/charges", json={"amount": amount}).text

    (facts,) = of_body(charge, policy=RetryPolicy(idempotent=False)).tools
    assert (facts.key, facts.host, facts.retried) == ("yes", "pay.example", "retryable, 3 in all")


def test_a_tool_that_must_not_act_twice_is_retried_if_something_tells_whether_it_has_acted() -> None:
    (alone,) = of_body(send_email, policy=RetryPolicy(idempotent=False)).tools
    (asked,) = of_body(send_email, policy=RetryPolicy(verify=lambda call: None)).tools
    assert (alone.retried, alone.twice) == ("nothing, it may have acted", "no")
    assert (asked.retried, asked.twice) == ("retryable, 3 in all", "no, verify= is asked")


def mcp_tool(**metadata: Any) -> BaseTool:
    async def call_tool(**arguments: Any) -> str:
        return "done"

    call_tool.__module__ = "langchain_mcp_adapters.tools"
    schema = {"type": "object", "properties": {}}
    return StructuredTool(name="book", description="Books.", args_schema=schema, coroutine=call_tool, metadata=metadata)


def test_a_tool_of_an_mcp_server_without_hints_is_found() -> None:
    assert rules(doctor(ResilientToolNode([mcp_tool()]))) == ["mcp-no-hints"]
    assert rules(doctor(ResilientToolNode([mcp_tool(readOnlyHint=True)]))) == []
    assert rules(doctor(ResilientToolNode([mcp_tool()], policy=RetryPolicy(idempotent=False)))) == []


def test_a_module_named_after_mcp_makes_no_tool_of_an_mcp_server() -> None:
    tool = mcp_tool()
    assert isinstance(tool, StructuredTool)
    assert tool.coroutine is not None
    tool.coroutine.__module__ = "my_bot.mcp_like"
    assert "mcp-no-hints" not in rules(doctor(ResilientToolNode([tool])))


# ---- the agent ----


def test_a_plain_tool_node_handles_nothing() -> None:
    assert rules(doctor(graph_with(ToolNode([get_order])))) == ["unhandled"]
    assert rules(doctor(agent_with())) == ["unhandled"]
    assert rules(doctor(agent_with(ResilientToolMiddleware(tools=["other"])))) == ["unhandled"]


def test_a_handler_of_its_own_is_found_at_a_plain_tool_node() -> None:
    handler = ToolErrorHandler(policy=RetryPolicy(max_attempts=4))
    node = ToolNode([get_order], wrap_tool_call=handler.wrap_tool_call, awrap_tool_call=handler.awrap_tool_call)
    assert doctor(node).tools[0].retried == "retryable, 4 in all"


def test_a_retry_policy_of_the_node_is_a_second_retry_layer() -> None:
    graph = graph_with(ResilientToolNode([get_order]), retry_policy=NodeRetryPolicy())
    assert rules(doctor(graph)) == ["second-retry"]


def ask(state: Any) -> Any:
    return ResilientToolNode([get_order]).invoke(state)


def test_a_node_that_makes_its_handler_in_each_run_is_found() -> None:
    assert rules(doctor(graph_with(ask))) == ["handler-per-run"]


HUMAN = HumanInTheLoopMiddleware(interrupt_on={"get_order": True})
RETRIES = ToolRetryMiddleware()
ANSWERS = ToolErrorMiddleware(on_error=str)


@pytest.mark.parametrize(
    ("middleware", "expected"),
    [
        ([HUMAN, ResilientToolMiddleware()], []),
        ([ResilientToolMiddleware(), HUMAN], ["middleware-order"]),
        ([ANSWERS, ResilientToolMiddleware()], []),
        ([ResilientToolMiddleware(), ANSWERS], ["middleware-order"]),
        ([RETRIES, ResilientToolMiddleware()], ["second-retry"]),
        ([ResilientToolMiddleware(), RETRIES], ["second-retry"]),
    ],
)
def test_the_order_of_middleware_matters(middleware: list[Any], expected: list[str]) -> None:
    assert rules(doctor(agent_with(*middleware))) == expected


def test_workers_that_share_no_health_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    node = ResilientToolNode([get_order])
    assert rules(doctor(node, workers=10)) == ["workers-apart"]
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert rules(doctor(node)) == ["workers-apart"]
    assert rules(doctor(ResilientToolNode([get_order], health=RedisHealth("redis://127.0.0.1:1")))) == []


def test_where_nothing_runs_tools_it_says_so() -> None:
    with pytest.raises(TypeError, match="no tool node was found in"):
        doctor(graph_with(lambda state: state))


# ---- what it shows ----


def test_it_is_shown_as_text_html_and_json() -> None:
    checkup = of_body(send_email)
    assert str(checkup).splitlines()[-1] == "1 tool, 1 finding"
    assert str(checkup).splitlines()[1].split("  ")[0] == "send_email"
    assert "<table" in checkup._repr_html_()
    assert json.loads(checkup.to_json())["findings"][0]["rule"] == "undeclared"


# ---- the command ----

healthy = graph_with(ResilientToolNode([get_order]))
sick = graph_with(ResilientToolNode([send_email]))
builder = StateGraph(MessagesState).add_node("tools", ResilientToolNode([get_order])).add_edge(START, "tools")
shared = ToolErrorHandler()


def make_anew() -> Any:
    return graph_with(ResilientToolNode([get_order]))


async def make_shared(config: Any) -> Any:
    return graph_with(ResilientToolNode([get_order], handler=shared))


@asynccontextmanager
async def make_in_context() -> Any:
    yield graph_with(ResilientToolNode([get_order], handler=shared))


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("healthy", 0),
        ("builder", 0),
        ("make_shared", 0),
        ("make_in_context", 0),
        ("sick", 1),
        ("make_anew", 1),
        ("nothing", 2),
        ("START", 2),
    ],
)
def test_the_exit_status_is_for_ci(name: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"{__file__}:{name}"]) == status
    assert bool(capsys.readouterr().err) is (status == 2)


def test_the_demo_has_no_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent_tools.demo.graph:make_graph", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [tool["tool"] for tool in shown["tools"]][:2] == ["get_order", "get_shipping"]


def test_findings_of_a_rule_can_be_left_out() -> None:
    assert main([f"{__file__}:sick", "--ignore", "undeclared"]) == 0


def test_a_name_that_is_no_graph_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("agent_tools", "no_such_module:graph", "nowhere.py:graph"):
        assert main([name]) == 2
    assert "the graph must be named as module:graph, not 'agent_tools'" in capsys.readouterr().err


def test_in_a_terminal_it_has_colors() -> None:
    output = StringIO()
    show(of_body(send_email), Console(file=output, force_terminal=True, width=200))
    assert "send_email" in output.getvalue()
    assert "1 tool, 1 finding" in output.getvalue()
