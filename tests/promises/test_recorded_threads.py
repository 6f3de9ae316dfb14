"""Threads with calls that work, fail, ask once or twice, or share an id; with kills, resumes and time travel."""

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from agent_tools import idempotency_key
from tests.support.shop import KilledError
from tests.support.toolbox import Flavor, answers_in, graph_of, http_error

pytestmark = pytest.mark.untraced

KINDS = ("ok", "fail", "503 once", "ask", "ask twice")
THREAD: Any = {"configurable": {"thread_id": "1"}}


class Thread(RuleBasedStateMachine):
    """A thread with one message of calls, run until all are answered."""

    @initialize(
        kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4), one_id=st.booleans(), is_async=st.booleans()
    )
    def begin(self, kinds: Sequence[str], one_id: bool, is_async: bool) -> None:
        self.flavor, self.kinds = Flavor(is_async=is_async), kinds
        self.effects: Counter[str] = Counter()
        self.attempts: Counter[int] = Counter()
        self.mixed_up: list[str] = []
        self.kill_at: int | None = None
        self.saver = InMemorySaver()
        self.graph = graph_of([self.flavor.tool(self.act)], checkpointer=self.saver, record=True)
        calls = [
            {"name": "act", "args": {"place": place, "kind": kind}, "id": "x" if one_id else f"c{place}"}
            for place, kind in enumerate(kinds)
        ]
        self.state: Any = {"messages": [HumanMessage("go"), AIMessage("", tool_calls=calls)]}
        self.run(self.state)

    def act(self, place: int, kind: str) -> str:
        """Act."""
        for question in [f"{place}.{number}?" for number in range(KINDS.index(kind) - 2)]:
            got = interrupt(question)
            if got != f"yes to {question}":
                self.mixed_up.append(f"{question} got {got}")
        self.attempts[place] += 1
        if kind == "fail":
            raise http_error(404)
        if kind == "503 once" and self.attempts[place] == 1:
            raise http_error(503)
        if self.kill_at == place:
            raise KilledError
        self.effects[idempotency_key()] += 1
        return f"{place} done"

    def run(self, given: Any) -> None:
        try:
            self.state = self.flavor.run(self.graph, given, THREAD)
        except KilledError:
            self.state = {"messages": [], "killed": True}
        finally:
            self.kill_at = None

    @property
    def question(self) -> Any:
        asked = self.state.get("__interrupt__", ())
        return asked[0] if asked else None

    @precondition(lambda self: self.question is not None)
    @rule(by_id=st.booleans(), killed=st.none() | st.integers(0, 3))
    def answer(self, by_id: bool, killed: int | None) -> None:
        yes = f"yes to {self.question.value}"
        self.kill_at = killed
        self.run(Command(resume={self.question.id: yes} if by_id else yes))

    @precondition(lambda self: "killed" in self.state)
    @rule()
    def resume(self) -> None:
        self.run(None)

    @precondition(lambda self: self.question is not None)
    @rule()
    def ask_again(self) -> None:
        """Go back to the checkpoint: finished calls run again from there, as in LangGraph, with the same keys."""
        attempts = deepcopy(self.attempts)
        self.flavor.run(self.graph, None, self.graph.get_state(THREAD).config)
        assert len(self.effects) <= len(self.kinds)
        # In this branch of the thread, each call has not happened yet or is recorded.
        self.effects, self.attempts = Counter(dict.fromkeys(self.effects, 0)), attempts
        self.state = self.flavor.run(self.graph, None, THREAD)

    @rule()
    def look(self) -> None:
        """Read the thread, which must change nothing."""
        self.graph.get_state(THREAD)

    def teardown(self) -> None:
        for _ in range(20):
            if "killed" in self.state:
                self.resume()
            elif self.question is not None:
                self.answer(by_id=False, killed=None)
        done = ["error" if kind == "fail" else f"{place} done" for place, kind in enumerate(self.kinds)]
        said = [each.content if each.status == "success" else "error" for each in answers_in(self.state)]
        assert said == done
        assert self.mixed_up == []
        assert set(self.effects.values()) <= {0, 1}
        assert len(self.effects) == len(self.kinds) - list(self.kinds).count("fail")


TestThread = Thread.TestCase
TestThread.settings = settings(max_examples=20, stateful_step_count=6, deadline=None)
