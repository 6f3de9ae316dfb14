"""`python -m agent_tools.report` shows the report of a saved thread."""

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, messages_to_dict

from agent_tools.report.__main__ import main

ASKED = AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": "c1"}])
FACTS = {"category": "timeout", "attempts": 2, "elapsed": 3.5, "may_have_acted": True, "reason": "attempts_used"}
ANSWER = ToolMessage("no answer in time", tool_call_id="c1", status="error", artifact=FACTS)
HISTORY = [HumanMessage("hi"), ASKED, ANSWER]
EVENTS = [
    {"type": "tool_retry", "tool": "charge", "tool_call_id": "c1", "attempt": 1, "of": 2, "elapsed": 1.0, "after": 0.5},
    {"type": "tool_failed", "tool": "charge", "tool_call_id": "c1", "attempt": 2, "of": 2, "elapsed": 3.5},
]


def saved(folder: Path, content: Any, name: str = "thread.json") -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


@pytest.mark.parametrize(
    "content",
    [
        [message.model_dump() for message in HISTORY],
        {"messages": [message.model_dump() for message in HISTORY]},
        {"thread_id": "1", "values": {"messages": [message.model_dump() for message in HISTORY]}},
        messages_to_dict(HISTORY),
    ],
    ids=["list", "state", "thread of the server", "messages_to_dict"],
)
def test_a_saved_thread_is_read_in_each_shape(tmp_path: Path, content: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([saved(tmp_path, content)]) == 0

    shown = capsys.readouterr().out
    assert shown.startswith("1 call: 1 given up (1 timeout), 0 unanswered\n")
    assert "attempts used" in shown


@pytest.mark.parametrize(
    "content",
    [EVENTS, "\n".join(json.dumps({"agent_tools": event}) for event in EVENTS)],
    ids=["list", "lines of a stream"],
)
def test_events_add_the_waits(tmp_path: Path, content: Any, capsys: pytest.CaptureFixture[str]) -> None:
    thread = saved(tmp_path, [message.model_dump() for message in HISTORY])
    main([thread, "--events", saved(tmp_path, content, "events.json")])

    assert "2 attempts, 1 of them a retry; waited 0.5 s" in capsys.readouterr().out


def test_it_writes_html_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    thread = saved(tmp_path, [message.model_dump() for message in HISTORY])
    main([thread, "--html"])
    html = capsys.readouterr().out
    main([thread, "--json"])
    shown = capsys.readouterr().out

    assert html.startswith("<!doctype html>")
    assert json.loads(shown)["calls"][0]["category"] == "timeout"


def test_a_call_without_an_answer_is_in_the_exit_status(tmp_path: Path) -> None:
    assert main([saved(tmp_path, [ASKED.model_dump()])]) == 1


@pytest.mark.parametrize("content", ["no JSON", "{}", "7", [7], [{"role": "nobody"}]])
def test_what_is_no_thread_is_refused_in_a_line(
    tmp_path: Path, content: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([saved(tmp_path, content)]) == 2

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("cannot read ")
