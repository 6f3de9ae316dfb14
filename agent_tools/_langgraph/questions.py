"""Whose question a human has answered, where several calls share a node.

LangGraph keeps the answers of a task in one list and gives them out by a counter. A call that had asked, and that fails
before it asks again, would so leave its answer to the next one. Here each answer is kept with the call that asked
for it, and a call is shown no answers but its own.

The names are kept in the place of that list, which LangGraph saves when the run stops to ask: the list then has one
element, our record. A list without one, of a run that began with other software, is left as it is.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.errors import GraphInterrupt
from langgraph.types import Interrupt

from agent_tools._langgraph.private_names import NAMESPACE, RESUME, RESUME_MAP, SCRATCHPAD, SEND

_RECORD = "agent_tools"


class Questions:
    """The answers of one task so far, each with the call that asked for it, and who asks now.

    Args:
        configurable: Of the config that LangGraph runs the node with.
        record: What an earlier run of the task has kept; None when nobody has asked yet.
    """

    __slots__ = ("_answers", "_askers", "_asking", "_at_end", "_question", "_saved", "_scratchpad", "_send", "_space")

    def __init__(self, configurable: dict[str, Any], record: dict[str, Any] | None = None) -> None:
        self._scratchpad = configurable[SCRATCHPAD]
        self._send = configurable[SEND]
        self._space = configurable.get(NAMESPACE, "")
        known = record or {"answers": [], "asking": None, "question": None}
        self._answers = [answer for _, answer in known["answers"]]
        self._askers = [call for call, _ in known["answers"]]
        self._asking: str | None = known["asking"]
        self._question: str | None = known["question"]
        self._saved = len(self._answers)
        self._at_end: dict[str, int] = {}
        if self._asking is not None and self._question is not None:
            self._receive(self._asking, self._question, configurable.get(RESUME_MAP) or {})

    def _receive(self, call: str, question: str, answer_by_id: dict[str, Any]) -> None:
        """Take the answer that this run was started with.

        One to a graph inside a tool does not come here: that graph finds it by itself.
        """
        answer = answer_by_id[question] if question in answer_by_id else self._scratchpad.get_null_resume()
        if answer is not None or question in answer_by_id:
            self._answers.append(answer)
            self._askers.append(call)

    def show(self, call: str, config: RunnableConfig) -> None:
        """Let `call` find its own answers, in the `config` it is run with and in the context that it runs in."""
        own = self._shown_to(call)
        config["configurable"] = {**config["configurable"], **own}
        around = var_child_runnable_config.get()
        if around is not None:  # where a wrapper of the user's looks
            var_child_runnable_config.set({**around, "configurable": {**around.get("configurable", {}), **own}})

    def _shown_to(self, call: str) -> dict[str, Any]:
        places = iter([place for place, asker in enumerate(self._askers) if asker == call])

        def count() -> int:
            place = next(places, len(self._answers))
            self._at_end[call] = place
            return place

        def get_null_resume(consume: bool = False) -> Any:  # noqa: FBT001, FBT002  # as LangGraph calls it
            is_for_graph_inside = call == self._asking and self._question is None and not self._is_at_end(call)
            return self._scratchpad.get_null_resume(consume) if is_for_graph_inside else None

        def send(writes: Sequence[tuple[str, Any]]) -> None:
            for channel, value in writes:
                if channel == RESUME:
                    self._taken(up_to=len(value))
                else:
                    self._send([(channel, value)])

        scratchpad = replace(
            self._scratchpad, interrupt_counter=count, get_null_resume=get_null_resume, resume=self._answers
        )
        return {SCRATCHPAD: scratchpad, SEND: send}

    def _taken(self, *, up_to: int) -> None:
        """Save the answers that were taken; one that did not fit its question was not, and may be given anew."""
        if up_to > self._saved:
            self._saved = up_to
            self._scratchpad.get_null_resume(consume=True)
            self._asking = self._question = None
        self._save()

    def asked(self, call: str, error: GraphInterrupt) -> None:
        """Keep that `call` has stopped the run with `error`, and so is to get the next answer."""
        ids = [interrupt.id for interrupt in error.args[0]]
        first = Interrupt.from_ns(None, ns=self._space).id
        is_own = ids == [first] or self._is_at_end(call)
        self._asking, self._question = call, ids[0] if is_own else None
        self._saved = len(self._answers)
        self._save()

    def _is_at_end(self, call: str) -> bool:
        """Return whether `call` itself asks, and no graph inside: it has gone through all answers that there are."""
        return self._at_end.get(call) == len(self._answers)

    def _save(self) -> None:
        known = zip(self._askers, self._answers, strict=True)
        record = {
            "answers": [list(each) for each in known][: self._saved],
            "asking": self._asking,
            "question": self._question,
        }
        self._send([(RESUME, [{_RECORD: record}])])


def recorded_questions(config: Any) -> Questions | None:  # a RunnableConfig, or None outside a graph
    """Return the questions of this task that an earlier run has kept, None where there is no record of ours."""
    configurable = _configurable(config)
    kept = configurable[SCRATCHPAD].resume if configurable else []
    is_ours = bool(kept) and isinstance(kept[0], dict) and _RECORD in kept[0]
    return Questions(configurable, kept[0][_RECORD]) if is_ours else None


def first_questions(config: Any) -> Questions | None:
    """Return what keeps the first question of this task, None where it is not the first or cannot be kept."""
    configurable = _configurable(config)
    return Questions(configurable) if configurable and not configurable[SCRATCHPAD].resume else None


def _configurable(config: Any) -> dict[str, Any]:
    """Return where LangGraph keeps its own things; empty outside a graph, and in a LangGraph that we do not know."""
    configurable: dict[str, Any] = {} if config is None else config.get("configurable", {})
    return configurable if SCRATCHPAD in configurable and SEND in configurable else {}
