"""Results of tools that arrive damaged: cut off, with fields missing or wrong."""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any  # a tool returns what it likes

from langchain_core.messages import ToolMessage

#: Stands for text whose encoding was lost.
UNREADABLE = "\N{REPLACEMENT CHARACTER}" * 3


class NoSuchFieldError(Exception):
    """The result has none of the fields that were to be damaged."""


def cut(result: Any, part: float) -> Any:
    """Return the first `part` of `result`, as text."""

    def head(content: Any) -> str:
        text = content if isinstance(content, str) else json.dumps(content, default=str)
        return text[: int(len(text) * part)]

    return _on_content(result, head)


def without(result: Any, fields: Collection[str]) -> Any:
    """Return `result` without `fields`."""
    return _on_fields(result, fields, lambda found: {name: found[name] for name in found if name not in fields})


def corrupted(result: Any, values: Mapping[str, Any]) -> Any:
    """Return `result` with its fields replaced by those in `values`."""
    return _on_fields(result, values, lambda found: {name: values.get(name, found[name]) for name in found})


def _on_content(result: Any, change: Callable[[Any], Any]) -> Any:
    """Return `result` with the part that the model reads changed; its artifact stays."""
    if isinstance(result, ToolMessage):
        return result.model_copy(update={"content": change(result.content)})
    if isinstance(result, tuple) and result:
        return (change(result[0]), *result[1:])
    return change(result)


def _on_fields(result: Any, names: Collection[str], change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Any:
    hits = 0

    def damage(value: Any) -> Any:
        nonlocal hits
        if isinstance(value, Mapping):
            hits += any(name in value for name in names)
            return {name: damage(each) for name, each in change(value).items()}
        return [damage(each) for each in value] if isinstance(value, list) else value

    def changed(content: Any) -> Any:
        parsed = _parsed(content)
        return damage(content) if parsed is None else json.dumps(damage(parsed))

    damaged = _on_content(result, changed)
    if not hits:
        raise NoSuchFieldError(f"the result has no field {' or '.join(map(repr, names))}")
    return damaged


def _parsed(content: Any) -> Any:
    """Return the parsed JSON of a text, or None if it is not JSON."""
    try:
        return json.loads(content) if isinstance(content, str) else None
    except ValueError:
        return None
