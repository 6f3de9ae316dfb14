"""The job of a bot process."""

from dataclasses import dataclass
from enum import StrEnum

WRITING_ON = "Are you there?"


class Action(StrEnum):
    """What to do with the thread."""

    START = "start"
    RESUME = "resume"
    WRITE_ON = "write on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of the support bot.

    Attributes:
        order: The order that the user pays; also the id of the thread.
        service: URL of the payment server.
        database: The database of the checkpoints: a path for SQLite, or a URL of PostgreSQL.
        is_async: Whether the run, its tools and its checkpointer are async.
        per_call: Whether each call is a task of its own (`route_tool_calls`), or all are in one node.
        repairs: How the thread is repaired before the user's next message: "node" or "thread".
        key_by: As in `RetryPolicy`.
        verifies: Whether `verify` looks up charges that may have been booked; the payment server then knows no keys.
        durability: When LangGraph saves checkpoints.
        action: What to do with the thread.
    """

    order: str
    service: str
    database: str
    is_async: bool
    per_call: bool
    repairs: str = "node"
    key_by: str = "call"
    verifies: bool = False
    durability: str = "sync"
    action: Action = Action.START
