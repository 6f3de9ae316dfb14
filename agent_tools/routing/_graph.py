"""What all graph helpers share: reading a state, and declaring to LangGraph where a function leads."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from langgraph.types import Command


def messages_in(state: Any, messages_key: str) -> list[Any]:  # Any: every shape that LangGraph gives to a node
    """Return the messages of a state that is a list, a mapping or an object with fields.

    Raises:
        ValueError: The state has nothing under this name.
    """
    if isinstance(state, list):
        return state
    messages: Any = state.get(messages_key) if isinstance(state, Mapping) else getattr(state, messages_key, None)
    if messages is None:
        raise ValueError(f"messages_key must be the key of the messages in the state, not {messages_key!r}")
    return list(messages) if not isinstance(messages, list) else messages


def last_message_in(state: Any, messages_key: str) -> Any:
    """Return the last message of a state.

    Raises:
        ValueError: There is none.
    """
    messages = messages_in(state, messages_key)
    if not messages:
        raise ValueError(f"the state must have at least one message under {messages_key!r}")
    return messages[-1]


def update_of(state: Any, messages_key: str, messages: list[Any]) -> Any:
    """Return what a node returns to write `messages` to a graph with this kind of state."""
    return messages if isinstance(state, list) else {messages_key: messages}


def leads_to(condition: Callable[..., Any], *nodes: str) -> None:
    """Declare that `condition` leads to `nodes`, for drawings and for the check when the graph is compiled.

    LangGraph reads this from the return annotation, where a type checker accepts no names that are known only
    at run time, and where `list[Send]` would have to stand.
    """
    condition.__annotations__["return"] = _one_of(nodes)


def jumps_to(node: Callable[..., Any], *nodes: str) -> None:
    """Do the same for a node that returns a `Command`."""
    command: Any = Command
    node.__annotations__["return"] = command[_one_of(nodes)]


def _one_of(nodes: tuple[str, ...]) -> Any:
    literal: Any = Literal
    return literal[tuple(dict.fromkeys(nodes))]
