"""Messages and events from JSON files: a thread as LangGraph's server returns it, a state, or a list."""

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_messages, messages_from_dict


def messages_in(text: str) -> list[BaseMessage]:
    """Return the messages of a thread, of a state or of a list in JSON.

    Raises:
        ValueError: There are none, or it is not JSON.
    """
    listed = _list_in(json.loads(text), "messages")
    if listed and all(isinstance(each, Mapping) and "data" in each for each in listed):
        return messages_from_dict(listed)
    return convert_to_messages(listed)


def events_in(text: str) -> list[Any]:
    """Return the events of a list in JSON, or of lines of JSON.

    Raises:
        ValueError: It is neither.
    """
    try:
        return _list_in(json.loads(text), "events")
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def _list_in(value: Any, key: str) -> list[Any]:
    while isinstance(value, Mapping):
        value = value.get(key, value.get("values"))
    if not isinstance(value, list):
        raise ValueError(f"the file must have a list of {key}")  # noqa: TRY004  # of the file, not of an argument
    return value
