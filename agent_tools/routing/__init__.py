"""Graph helpers: a task for each call, no call without its answer, a way out after too many failures.

    builder.add_node("repair", repair_node())
    builder.add_edge(START, "repair")
    builder.add_conditional_edges("repair", escalation_edge(after=3, to="human", otherwise="model"))
    builder.add_conditional_edges("model", route_tool_calls)
    builder.add_edge("tools", "repair")

Each of them works without the others, with our node or with `langgraph.prebuilt.ToolNode`.
"""

from agent_tools.routing._escalation import escalation_edge
from agent_tools.routing._invalid import answer_invalid_tool_calls
from agent_tools.routing._repair import repair_unanswered_tool_calls
from agent_tools.routing._repair_node import repair_node
from agent_tools.routing._repair_thread import arepair_thread, repair_thread
from agent_tools.routing._route import route_tool_calls, route_tool_calls_to

__all__ = [
    "answer_invalid_tool_calls",
    "arepair_thread",
    "escalation_edge",
    "repair_node",
    "repair_thread",
    "repair_unanswered_tool_calls",
    "route_tool_calls",
    "route_tool_calls_to",
]
