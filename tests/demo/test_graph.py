"""The graph that `langgraph.json` names, loaded as the LangGraph server loads it."""

import importlib.util
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage

from agent_tools.testing import FaultyServer, Reply, no_waiting

ROOT = Path(__file__).parents[2]


def factory() -> Any:
    path, _, variable = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["support"].rpartition(":")
    spec = importlib.util.spec_from_file_location("served_graph", ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.__dict__[variable]


@pytest.mark.anyio
async def test_the_graph_of_langgraph_json_answers_a_message_with_the_api_on_loopback() -> None:
    with no_waiting():
        async with factory()() as graph:
            state = await graph.ainvoke({"messages": [HumanMessage("Where is my order?")]})

    answers = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert [answer.status for answer in answers] == ["success"] * 4 + ["error"] * 3
    assert state["messages"][-1].text.startswith("Order A-1042 was sent.")


@pytest.mark.anyio
async def test_support_api_url_and_key_name_another_api(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultyServer(Reply(404)) as server, no_waiting():
        monkeypatch.setenv("SUPPORT_API_URL", server.url + "/")
        monkeypatch.setenv("SUPPORT_API_KEY", "k-1")
        async with factory()() as graph:
            await graph.ainvoke({"messages": [HumanMessage("Where is my order?")]})

    assert {request.headers["X-Api-Key"] for request in server.requests} == {"k-1"}
    assert len(server.requests) == 7


def test_loading_the_graph_starts_no_server() -> None:
    before = threading.active_count()

    factory()

    assert threading.active_count() == before
