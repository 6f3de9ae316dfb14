"""The node loads no module that only a failure needs."""

from tests.support.toolbox import printed_by

NEEDED_BY_FAILURES = {
    f"agent_tools.{name}"
    for name in (
        "_call.answers",
        "_call.call",
        "_call.credentials",
        "_call.diagnosing",
        "_call.log_lines",
        "_call.nested_retries",
        "_call.observers",
        "_call.recovery",
        "_call.returned",
        "_call.stumbled",
        "_call.tracebacks",
        "_call.verifying",
        "_classify.engine",
        "_classify.tables",
        "_core.answer",
        "_core.budget",
        "_core.circuit",
        "_core.decision",
        "_core.events",
        "_core.evidence",
        "_core.gate_state",
        "_core.outcome",
        "_core.redaction",
        "_core.rounds",
        "_core.stops",
        "_core.window",
        "_flow.steps",
        "_gate.gate",
        "_gate.health",
        "_gate.redis_link",
        "_gate.redis_store",
        "_langgraph.arguments",
        "_langgraph.clean_errors",
        "_langgraph.errors",
        "_langgraph.places",
        "_langgraph.recorder",
    )
}

PROGRAM = """
import sys
from agent_tools import ResilientToolNode
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

def works(order: str) -> str:
    "Look up an order."
    return "shipped"

def fails(order: str) -> str:
    "Look up an order."
    raise ValueError(order)

def run(name):
    call = {"name": name, "args": {"order": "1"}, "id": "1"}
    graph = StateGraph(MessagesState).add_node("tools", ResilientToolNode([works, fails])).add_edge(START, "tools")
    graph.compile().invoke({"messages": [AIMessage("", tool_calls=[call])]})
    print(*(name for name in sys.modules if name.startswith("agent_tools.")))

run("works")
run("fails")
"""


def test_a_node_and_its_calls_that_work_load_nothing_that_only_failures_need() -> None:
    after_success, after_failure = (set(line.split()) for line in printed_by(PROGRAM).splitlines())
    assert not after_success & NEEDED_BY_FAILURES
    assert {"agent_tools._call.recovery", "agent_tools._classify.engine"} <= after_failure, "the modules have moved"
