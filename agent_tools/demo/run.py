"""Runs a conversation with the bot, shows it live, and records it for the check at the end."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any  # a graph streams values of any shape

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig

from agent_tools.demo.graph import Graph
from agent_tools.demo.progress import Board
from agent_tools.demo.record import Recording, Turn
from agent_tools.demo.view import View
from agent_tools.testing import Request

#: "custom" brings the events of the node, "tools" the start and end of each attempt. Any: LangGraph's own type
#: for the names of the modes leaves "tools" out.
MODES: Any = ["updates", "custom", "tools"]

THREAD = RunnableConfig(configurable={"thread_id": "mia"})


async def converse(
    graph: Graph, questions: Sequence[str], view: View, *, requests: Callable[[], list[Request]]
) -> Recording:
    """Ask `questions` one after the other, in one thread; stop when a run breaks.

    `requests` returns the requests to the server so far.
    """
    recording = Recording(asked=len(questions))
    for question in questions:
        seen = len(requests())
        turn = await _ask(graph, question, view)
        turn.requests = requests()[seen:]
        recording.turns.append(turn)
        if turn.broke:
            break
    state = await graph.aget_state(THREAD)
    recording.messages = state.values.get("messages", [])
    return recording


async def _ask(graph: Graph, question: str, view: View) -> Turn:
    listener = _Listener(question, view)
    turn = listener.turn
    view.question(question)
    try:
        async for mode, part in graph.astream({"messages": [HumanMessage(question)]}, THREAD, stream_mode=MODES):
            listener.on[mode](part)
    except Exception as error:  # noqa: BLE001  # the demo checks that no error leaves the graph
        turn.broke = type(error).__name__
    if turn.broke:
        view.broke(turn.broke)
    else:
        view.reply(turn.reply)
    return turn


class _Listener:
    """Reads what a run streams, records it and shows it."""

    def __init__(self, question: str, view: View) -> None:
        self.turn = Turn(question=question)
        self.on: dict[str, Callable[[Any], None]] = {
            "updates": self._on_updates,
            "custom": self._on_custom,
            "tools": self._on_tools,
        }
        self._view = view
        self._board = Board([])
        self._answers: list[ToolMessage] = []

    def _on_updates(self, part: Mapping[str, Any]) -> None:
        for message in _messages(part.values()):
            if isinstance(message, ToolMessage):
                self._on_answer(message)
            elif isinstance(message, AIMessage):
                self._on_move(message)

    def _on_move(self, message: AIMessage) -> None:
        if not message.tool_calls:
            self.turn.reply = message.text
            return
        self._board, self._answers = Board(message.tool_calls), []
        self.turn.calls |= self._board.by_id
        self._view.calling(self._board)

    def _on_answer(self, answer: ToolMessage) -> None:
        if any(answer.tool_call_id == each.tool_call_id for each in self._answers):
            return  # it came when the call ended, and comes again with the whole message
        self.turn.answers.append(answer)
        self._answers.append(answer)
        if len(self._answers) == len(self._board.by_id):
            self._view.answered(self._board, self._answers)

    def _on_custom(self, part: Mapping[str, Any]) -> None:
        event = part["agent_tools"]
        self.turn.events.append(event)
        call = self._board.on_tool_event(event, at=time.monotonic())
        if call is not None:
            self._view.changed(call)

    def _on_tools(self, part: Mapping[str, Any]) -> None:
        if part["event"] == "tool-error":
            self.turn.raw_errors.append(part["message"])
            return
        call = self._board.on_run(part)
        if call is not None:
            self._view.changed(call)


def _messages(updates: Iterable[Any]) -> list[AnyMessage]:
    return [message for update in updates if isinstance(update, Mapping) for message in update.get("messages", ())]
