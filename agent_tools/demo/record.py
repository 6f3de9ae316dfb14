"""The record of a conversation, for the check at the end."""

from dataclasses import dataclass, field
from typing import Any  # events and messages hold any JSON value

from langchain_core.messages import AnyMessage, ToolMessage

from agent_tools.demo.progress import CallProgress
from agent_tools.testing import Request


@dataclass(slots=True, kw_only=True)
class Turn:
    """One question of the user and everything that followed.

    Attributes:
        question: What the user asked.
        calls: The model's calls by id, with their progress.
        answers: What the tools answered, as the model read it.
        reply: The reply to the user; empty when the run broke.
        broke: The name of the error that ended the run; None when it ended well.
        events: The events in the custom stream.
        raw_errors: The texts of the errors, attempt by attempt, which must not be seen.
        requests: The requests that the server got meanwhile.
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
        asked: Number of questions to ask.
        turns: The turns, one per question asked.
        messages: The history at the end, as the checkpointer has it.
    """

    asked: int
    turns: list[Turn] = field(default_factory=list)
    messages: list[AnyMessage] = field(default_factory=list)
