"""Which resume values the task of a call sees: only those for its own interrupts.

LangGraph gives a plain `Command(resume=value)` to the first task that calls `interrupt()`, and keeps it in the
checkpoint until the next one arrives: after a crash another call could take it. So only the task whose interrupt the
human has seen gets it, and it is taken back when the next question is asked: the answer to that may come by its id, of
which a crash leaves nothing.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphInterrupt
from langgraph.types import Interrupt

from agent_tools._langgraph import private_names as names
from agent_tools._langgraph.private_names import CALL, INTERRUPT, NAMESPACE, SCRATCHPAD, TASK_ID
from agent_tools._langgraph.saving import runs_around

#: The key of the record that 0.1.0 kept among the resume values of a node.
_OLD_RECORD = "agent_tools"


class ResumeValues:
    """The resume values with which one run of a node has started.

    Args:
        config: The node's config.
        call_ids: The ids of all calls of the message.
    """

    def __init__(self, config: RunnableConfig, call_ids: Sequence[str | None]) -> None:
        self._lock = Lock()
        self._keys = config["configurable"]
        self._scratchpad = self._keys[SCRATCHPAD]
        self._graph_run = [*runs_around(config)][-1]
        self._had_plain = self._scratchpad.get_null_resume() is not None
        self._seen = self._questions_of(self._keys[TASK_ID])
        self._old = self._take_old_record(call_ids)
        self._inherited = None if self._old else self._find_inherited()

    def shown(self, keys: dict[str, Any], call_id: str | None) -> dict[str, Any]:
        """Return `keys` with the resume values for one call.

        Args:
            keys: The `configurable` of its task.
            call_id: The id that the model gave the call.
        """
        scratchpad = keys[SCRATCHPAD]
        asked = self._questions_of(keys[TASK_ID])
        if self._old is not None and not asked and not scratchpad.resume:
            if self._old["asking"] == call_id and self._old["question"] is None:  # a graph inside, saved there
                return {**keys, NAMESPACE: self._keys[NAMESPACE]}
            scratchpad.resume.extend(self._old["answers"].get(call_id, ()))
        if scratchpad.get_null_resume() is None:
            return keys
        if asked and asked.keys() <= self._seen.keys():
            own = [question_id(keys[NAMESPACE], answered) for answered in range(len(scratchpad.resume) + 1)]
            if own[-1] in asked:
                taken = scratchpad.get_null_resume(True)  # noqa: FBT003  # as LangGraph calls it
                scratchpad.resume.extend([] if taken is None else [taken])
            elif asked.keys().isdisjoint(own):
                return {**keys, SCRATCHPAD: _for_graph_inside(scratchpad)}
        return {**keys, SCRATCHPAD: replace(scratchpad, get_null_resume=_nothing)}

    def inherited(self, keys: dict[str, Any], asked: GraphInterrupt) -> dict[str, Any] | None:
        """Return `keys` with the resume value for `asked`, if the node itself asked it, before its calls were tasks."""
        with self._lock:
            if self._inherited is None or [each.value for each in asked.args[0]] != [self._inherited[0]]:
                return None
            answer, self._inherited = self._inherited[1], None
        scratchpad = keys[SCRATCHPAD]
        scratchpad.resume.append(answer)
        self._scratchpad.resume.clear()
        self._scratchpad.get_null_resume(True)  # noqa: FBT003
        counter = itertools.count().__next__
        return {**keys, SCRATCHPAD: replace(scratchpad, interrupt_counter=counter, get_null_resume=_nothing)}

    def take_back_plain(self) -> None:
        """Remove the plain resume value of this run from the checkpoint: it answers no question that is asked now."""
        if self._had_plain:
            getattr(self._graph_run, names.PUT_WRITES)(names.INPUT, [(names.RESUME, None)])

    def _questions_of(self, task_id: str) -> dict[str, Any]:
        """Return the values of a task's pending interrupts, by their ids."""
        run_of_graph = self._keys[CALL].keywords[names.SCHEDULE_TASK].__self__
        writes = getattr(run_of_graph, names.PENDING_WRITES)
        found = [asked for writer, channel, asked in writes if writer == task_id and channel == INTERRUPT]
        return {each.id: each.value for asked in found for each in asked}

    def _find_inherited(self) -> tuple[Any, Any] | None:
        """Return the first interrupt that the node itself has raised, as ToolNode does, and its resume value."""
        first, given = question_id(self._keys[NAMESPACE], 0), self._scratchpad.resume
        # If a function asked before it called the node, these resume values are its own.
        has_asked = getattr(self._scratchpad.interrupt_counter, names.LAST_COUNTED, None) is not None
        if has_asked or first not in self._seen or len(given) > 1:
            return None
        answer = given[0] if given else self._scratchpad.get_null_resume()
        return None if answer is None else (self._seen[first], answer)

    def _take_old_record(self, call_ids: Sequence[str | None]) -> dict[str, Any] | None:
        """Return what 0.1.0 kept among the node's resume values: to which calls they belong, and which call asks."""
        resume = self._scratchpad.resume
        if not resume or not isinstance(resume[0], dict) or _OLD_RECORD not in resume[0]:
            return None
        kept, *given = resume
        resume.clear()
        if len(set(call_ids)) < len(call_ids):  # the record goes by ids: it is unknown whose these are
            return None
        old = kept[_OLD_RECORD]
        answers: dict[str, list[Any]] = {}
        for call_id, answer in old["answers"]:
            answers.setdefault(call_id, []).append(answer)
        if not given and old["question"] in self._seen:  # else a task has asked since
            taken = self._scratchpad.get_null_resume(True)  # noqa: FBT003
            # It may be the answer to the question before, which 0.1.0 left there: then the human is asked once more.
            is_old = any(answer == taken for _, answer in old["answers"][-1:])
            given = [] if taken is None or is_old else [taken]
        answers.setdefault(old["asking"], []).extend(given)
        return {**old, "answers": answers}


def question_id(namespace: str, answered: int) -> str:
    """Return the id of the interrupt that a task raises after it was `answered` that many times."""
    return Interrupt.from_ns(None, ns=f"{namespace}|{answered}" if answered else namespace).id


def _for_graph_inside(scratchpad: Any) -> Any:
    """Return a scratchpad that gives the plain resume value to the graph inside a tool, never to the tool itself."""
    is_own = False

    def count() -> int:
        nonlocal is_own
        index: int = scratchpad.interrupt_counter()
        is_own = index >= len(scratchpad.resume)
        return index

    def get_null_resume(consume: bool = False) -> Any:  # noqa: FBT001, FBT002
        nonlocal is_own
        asks_itself, is_own = is_own, False
        return None if asks_itself else scratchpad.get_null_resume(consume)

    return replace(scratchpad, interrupt_counter=count, get_null_resume=get_null_resume)


def _nothing(consume: bool = False) -> None:  # noqa: ARG001, FBT001, FBT002
    return None
