"""The bot of `04_money.ipynb` as a process to be killed: `python refund_bot.py URL DATABASE start|approve|resume`."""

import sys

import httpx
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import tools_condition
from langgraph.types import Command, interrupt

from agent_tools import ResilientToolNode, RetryPolicy, ToolEvent
from agent_tools.idempotency import send_idempotency_key
from agent_tools.testing import ScriptedChatModel, call

THREAD = {"configurable": {"thread_id": "order A-7"}}

DONE = "49 euros are on their way to you."

#: The service knows idempotency keys, so that asking it twice does no harm. The wait leaves time for a kill.
CAREFUL = RetryPolicy(idempotent=True, retry_on={"retryable", "timeout", "network"}, base_delay=20.0)


def bot_for(url: str, saver: SqliteSaver) -> CompiledStateGraph:
    """Return the bot: a scripted model and a tool that pays money back once a human has agreed."""
    client = httpx.Client(base_url=url, event_hooks={"request": [send_idempotency_key]}, trust_env=False)

    def issue_refund(order: str, amount: int) -> str:
        """Pay money back."""
        if interrupt(f"Pay {amount} euros back for {order}?") != "yes":
            return "A human has refused."
        return client.post("/refunds", json={"order": order, "amount": amount}).raise_for_status().text

    def say(event: ToolEvent) -> None:
        tell(f"{event.type}: {event.tool}, {event.category}")

    model = ScriptedChatModel(
        [], then=lambda messages: DONE if messages[-1].type == "tool" else call("issue_refund", order="A-7", amount=49)
    )

    def ask(state: MessagesState) -> dict:
        return {"messages": [model.invoke(state["messages"])]}

    tools = ResilientToolNode([issue_refund], per_tool={"issue_refund": CAREFUL}, observer=say)
    builder = StateGraph(MessagesState).add_node("model", ask).add_node("tools", tools)
    builder.add_edge(START, "model").add_conditional_edges("model", tools_condition).add_edge("tools", "model")
    return builder.compile(checkpointer=saver)


INPUT_BY_STEP = {
    "start": {"messages": [("user", "The kettle of order A-7 is broken. I want my money back.")]},
    "approve": Command(resume="yes"),
    "resume": None,  # whatever was begun is ended
}


def tell(text: str) -> None:
    """Say it at once, for whoever reads along."""
    print(text, flush=True)


def main(url: str, database: str, step: str) -> None:
    """Do one step of the conversation."""
    with SqliteSaver.from_conn_string(database) as saver:
        state = bot_for(url, saver).invoke(INPUT_BY_STEP[step], THREAD, durability="sync")
    for question in state.get("__interrupt__", ()):
        tell(f"asks a human: {question.value}")
    if state["messages"][-1].content:
        tell(f"says: {state['messages'][-1].content}")


if __name__ == "__main__":
    main(*sys.argv[1:])
