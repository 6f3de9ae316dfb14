"""The hints of an MCP server about its tool (`ToolAnnotations`), in the forms of both clients.

langchain-mcp-adapters keeps `readOnlyHint` and the other hints in the metadata of the tool. LangChain's own client
keeps `read_only_hint` and the others in `metadata["mcp"]["tool"]["annotations"]`.
"""

from collections.abc import Mapping
from typing import Any

from langchain_core.tools import BaseTool

_READ_ONLY = ("readOnlyHint", "read_only_hint")
_IDEMPOTENT = ("idempotentHint", "idempotent_hint")
_DESTRUCTIVE = ("destructiveHint", "destructive_hint")


def hinted_idempotent(tool: BaseTool | None) -> bool | None:
    """Return what the hints say about `RetryPolicy.idempotent`, None without a hint.

    Hints must not be trusted with anything else (MCP specification, `ToolAnnotations`).
    """
    metadata = getattr(tool, "metadata", None)
    if not metadata:
        return None
    places = [metadata, _within(metadata, "annotations"), _within(metadata, "mcp", "tool", "annotations")]
    if _says(places, _READ_ONLY) or _says(places, _IDEMPOTENT):
        return True
    return False if _says(places, _DESTRUCTIVE) else None


def _within(found: Any, *keys: str) -> Any:  # Any: metadata may be anything
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _says(places: list[Any], names: tuple[str, str]) -> bool:
    return any(isinstance(place, Mapping) and place.get(name) is True for place in places for name in names)
