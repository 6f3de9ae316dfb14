"""The facts in an answer's artifact survive a round trip through PostgreSQL."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

from tests.support.toolbox import answers_in, asking, graph_of, http_error


def lookup() -> str:
    """Look an order up."""
    raise http_error(429, {"Retry-After": "600"})


async def alookup() -> str:
    """Do the same as `lookup`."""
    return lookup()


def facts_after(url: str) -> dict[str, Any]:
    thread: Any = {"configurable": {"thread_id": "facts"}}
    with PostgresSaver.from_conn_string(url) as saver:
        graph_of([lookup], checkpointer=saver).invoke(asking(("lookup", {})), thread)
    with PostgresSaver.from_conn_string(url) as saver:
        (answer,) = answers_in(graph_of([lookup], checkpointer=saver).get_state(thread).values)
    return dict(answer.artifact)


def afacts_after(url: str) -> dict[str, Any]:
    thread: Any = {"configurable": {"thread_id": "facts, async"}}
    tool: BaseTool = StructuredTool.from_function(coroutine=alookup, name="lookup")

    async def facts() -> dict[str, Any]:
        async with AsyncPostgresSaver.from_conn_string(url) as saver:
            await graph_of([tool], checkpointer=saver).ainvoke(asking(("lookup", {})), thread)
        async with AsyncPostgresSaver.from_conn_string(url) as saver:
            (answer,) = answers_in((await graph_of([tool], checkpointer=saver).aget_state(thread)).values)
        return dict(answer.artifact)

    return asyncio.run(facts())


@pytest.mark.parametrize("facts_in", [facts_after, afacts_after], ids=["sync", "async"])
def test_the_facts_for_programs_survive_postgresql_without_a_warning(
    facts_in: Callable[[str], dict[str, Any]], postgresql: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING"):
        facts = facts_in(postgresql)

    assert facts.keys() >= {"category", "attempts", "elapsed", "may_have_acted", "error_type"}
    assert {type(value) for value in facts.values()} <= {str, int, float, bool, type(None)}
    assert (facts["category"], facts["status_code"], facts["retry_after"]) == ("retryable", 429, 600.0)
    assert [record for record in caplog.records if not record.name.startswith("agent_tools")] == []
