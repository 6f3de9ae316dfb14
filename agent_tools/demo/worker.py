"""The bot as a process that can be killed: `python -m agent_tools.demo.worker begin|resume DATABASE`."""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agent_tools import ToolErrorHandler
from agent_tools.demo.crash import QUESTION
from agent_tools.demo.graph import build_graph
from agent_tools.demo.script import answered
from agent_tools.demo.tools import Services, connect, make_policies, make_tools
from agent_tools.testing import ScriptedChatModel, call

#: Any: LangGraph's own type for the names of the modes leaves "tools" out.
MODES: Any = ["updates", "custom", "tools"]
THREAD = RunnableConfig(configurable={"thread_id": "leo"})


async def serve(step: str, database: str, services: Services) -> None:
    """Start the conversation, or resume it where its process ended."""
    start = {"messages": [HumanMessage(QUESTION)]} if step == "begin" else None
    async with connect(services) as client, AsyncSqliteSaver.from_conn_string(database) as checkpointer:
        graph = build_graph(
            ScriptedChatModel([], then=_next_move),
            make_tools(client, services),
            checkpointer=checkpointer,
            handler=ToolErrorHandler(per_tool=make_policies(services)),
        )
        report = _Report()
        async for mode, part in graph.astream(start, THREAD, stream_mode=MODES):
            report.on[str(mode)](part)
        messages = (await graph.aget_state(THREAD)).values["messages"]
    _line(json.dumps({"reply": messages[-1].text, "answers": _counted(messages)}))


def _next_move(messages: list[BaseMessage]) -> str | Sequence[ToolCall]:
    if isinstance(messages[-1], ToolMessage):
        return answered(messages)
    return [call("refund_order", order="A-1099", amount=15.0), call("get_order", order="A-1100")]


class _Report:
    """Prints what happens to each call, line by line."""

    def __init__(self) -> None:
        self._started: set[str] = set()
        self._ended: set[str] = set()
        self.on: dict[str, Callable[[Any], None]] = {
            "updates": self._on_updates,
            "custom": self._on_custom,
            "tools": self._on_tools,
        }

    def _on_tools(self, part: Mapping[str, Any]) -> None:
        if part["event"] == "tool-started":
            self._started.add(part["tool_call_id"])

    def _on_custom(self, part: Mapping[str, Any]) -> None:
        event = part["agent_tools"]
        if event["type"] == "tool_retry":
            _line(f"{event['tool']}: HTTP {event['status_code']}, next attempt in {event['after']:.0f} s")

    def _on_updates(self, part: Mapping[str, Any]) -> None:
        for update in part.values():
            for message in (update or {}).get("messages", ()):
                if isinstance(message, ToolMessage) and message.tool_call_id not in self._ended:
                    self._ended.add(message.tool_call_id)
                    remark = "" if message.tool_call_id in self._started else ", as recorded: it is not run again"
                    _line(f"{message.name}: {message.status}{remark}")


def _line(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # for the watching process


def _counted(messages: list[BaseMessage]) -> str:
    calls = sum(len(message.tool_calls) for message in messages if isinstance(message, AIMessage))
    answers = sum(isinstance(message, ToolMessage) for message in messages)
    return f"{calls} calls, {answers} answers"


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], Services(**json.load(sys.stdin))))
