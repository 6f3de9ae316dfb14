"""The model that needs no key: it makes the calls a real one would make, and repeats what the answers say.

Like a real model it knows nothing but the messages, so one instance serves any number of threads.
"""

import json
from collections.abc import Sequence
from itertools import takewhile
from typing import Any  # services may return anything

from langchain_core.messages import BaseMessage, HumanMessage, ToolCall, ToolMessage

from agent_tools.testing import ScriptedChatModel, call

QUESTIONS = (
    (
        "Hello, this is Mia, customer C-88. Where is my order A-1042? The kettle of A-1007 is broken: I want my "
        "49 euros back. Do you have a blue one, and is there a warranty?"
    ),
    "Thank you. And did the refund go through?",
)


def scripted_model() -> ScriptedChatModel:
    """Return the model: seven calls at once for the first question, one for each further one."""
    return ScriptedChatModel([], then=_next_move)


def _next_move(messages: list[BaseMessage]) -> str | Sequence[ToolCall]:
    if _latest_answers(messages):
        return answered(messages)
    if sum(isinstance(message, HumanMessage) for message in messages) > 1:
        return [call("get_order", order="A-1007")]
    return [
        call("get_order", order="A-1042"),
        call("get_shipping", order="A-1042"),
        call("get_order", order="A-1007"),
        call("refund_order", order="A-1007", amount=49.0),
        call("get_customer", customer="C-88"),
        call("check_stock", sku="blue kettle"),
        call("search_help", query="warranty"),
    ]


def answered(messages: Sequence[BaseMessage]) -> str:
    """Return the reply to the user about the latest answers of the tools."""
    return " ".join(_sentence(answer) for answer in _latest_answers(messages))


def _latest_answers(messages: Sequence[BaseMessage]) -> list[ToolMessage]:
    latest = takewhile(lambda message: isinstance(message, ToolMessage), reversed(messages))
    return [message for message in latest if isinstance(message, ToolMessage)][::-1]


def _sentence(answer: ToolMessage) -> str:
    """Return the sentence about one answer of a tool."""
    if answer.status == "success":
        return _found(str(answer.name), json.loads(answer.text))
    if "unknown whether it took effect" in answer.text:
        return "I asked for your refund, but nobody can say yet whether it was paid, so I check before I ask again."
    return EXCUSE_BY_TOOL[str(answer.name)]


def _found(tool: str, facts: dict[str, Any]) -> str:
    refunds = facts.get("refunds")
    if refunds:
        times = "once" if len(refunds) == 1 else f"{len(refunds)} times"
        return f"Yes, {refunds[0]:.2f} euros for order {facts['order']} were paid back {times}."
    return FOUND_BY_TOOL[tool].format_map(facts)


FOUND_BY_TOOL = {
    "get_order": "Order {order} was {status}.",
    "get_shipping": "Its parcel is {parcel} and arrives on {arrives}.",
    "refund_order": "Your {refunded:.0f} euros were paid back.",
    "get_customer": "Your address is {address}.",
    "check_stock": "Of {sku} there are {in_stock} in stock.",
    "search_help": "The help pages say: {text}",
}

EXCUSE_BY_TOOL = {
    "get_order": "I cannot look up your order at present.",
    "get_shipping": "I cannot see the parcel at present.",
    "refund_order": "I cannot pay back anything at present.",
    "get_customer": "I cannot open your customer file at present.",
    "check_stock": "For the blue kettle I need its article number, which looks like KETL-0002.",
    "search_help": "Our help pages are down, so I cannot quote the warranty.",
}
