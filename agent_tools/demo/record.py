"""The record of a conversation, for the check at the end."""

from dataclasses import dataclass, field
from typing import Any  # events and messages hold what JSON can say

from langchain_core.messages import AnyMessage, ToolMessage

from agent_tools.demo.progress import CallProgress
from agent_tools.testing import Request


@dataclass(slots=True, kw_only=True)
class Turn:
    """One question of the user and all that followed from it.

    Attributes:
        question: What the user asked.
        calls: The calls of the model by id, as far as they got.
        answers: What the tools answered, as the model read it.
        reply: The reply to the user; empty when the run broke.
        broke: The name of the error that ended the run; None when it ended well.
        events: The events in the custom stream.
        raw_errors: The texts of the errors, attempt by attempt, which must not be seen.
        requests: The requests to the server meanwhile.
    """

    question: str
    calls: dict[str, CallProgress] = field(default_factory=dict)
    answers: list[ToolMessage] = field(default_factory=list)
    reply: str = ""
    broke: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    raw_errors: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Recording:
    """A whole conversation.

    Attributes:
        asked: How many questions there were to ask.
        turns: Those that were asked.
        messages: The history at the end, as the checkpointer has it.
    """

    asked: int
    turns: list[Turn] = field(default_factory=list)
    messages: list[AnyMessage] = field(default_factory=list)
