"""The content of a returned error without its secrets: a text, or blocks of any kind.

Text can be anywhere in a block, and blocks can hold blocks, so everything is visited except what is known not to be
text: ids, and the bytes of media. All blocks share one limit, which bounds the time as well.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from agent_tools._core.redaction import UNREADABLE, scrub_result
from agent_tools._core.secret_columns import is_secret_name
from agent_tools._core.secret_rows import LINK, SECRET, compiled

Content = str | list[str | dict[Any, Any]]  # as LangChain has it

_IDS: Final = frozenset({"file_id", "tool_call_id", "tool_use_id"})
#: Bytes in base64, unless the block declares them as text.
_DATA: Final = frozenset({"data", "base64", "file_data", "bytes", "blob"})
_KINDS: Final = ("mime_type", "media_type", "mimeType", "type")
_TEXTUAL: Final = r"(?i)text\b|application/(?:[\w.-]+\+)?(?:json|xml|yaml|x-yaml)\b"
_BASE64: Final = r"(?:data:[\w.+/-]{0,100}(?:;[\w=-]{1,40}){0,4};base64,)?[A-Za-z0-9+/_-]{16,}={0,2}\s*"
#: Providers load these by their link. Without its signature it leads nowhere, so a text takes their place.
_LOADED: Final = frozenset({"image", "image_url", "input_image", "audio", "video", "file", "document", "media"})
_DEEPEST: Final = 16
_MOST_PARTS: Final = 10_000


def scrub_content(content: Content, *, limit: int = 4_000) -> Content:
    """Return the content without secrets and without blocks that say nothing, which providers refuse.

    At most `limit` characters of text remain in all blocks together. Media keep their bytes. Malformed blocks are
    accepted, too; nothing raises.
    """
    if isinstance(content, str):
        return scrub_result(content, limit=limit)
    blocks = _Visit(limit).items(content, 0)
    return [block if isinstance(block, str | dict) else str(block) for block in blocks if block not in (None, "")]


class _Visit:
    """One visit of all blocks, and what is left of their limit."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._parts = _MOST_PARTS
        self._has_lost_link = False

    def items(self, values: Any, depth: int) -> list[Any]:
        visited = []
        for value in values:
            if self._parts <= 0:
                break
            visited.append(self._value(value, depth + 1))
        return [value for value in visited if not _says_nothing(value)]

    def _value(self, value: Any, depth: int) -> Any:
        self._parts -= 1
        if value is None or isinstance(value, bool | int | float):
            return value
        if self._parts <= 0 or depth > _DEEPEST:
            return UNREADABLE
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return self._block(value, depth)
        if isinstance(value, list | tuple | set | frozenset):
            return self.items(value, depth)
        return self._text(_text_of(value))

    def _text(self, text: str) -> str:
        shown = scrub_result(text, limit=self._left) if self._left > 0 else ""
        self._left -= len(shown)
        self._has_lost_link |= shown != text and text.startswith("http")
        return shown

    def _block(self, block: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
        had_lost_link, self._has_lost_link = self._has_lost_link, False
        visited = {self._key(key): self._entry(block, key, depth) for key in list(block)[: self._parts]}
        has_lost_link, self._has_lost_link = self._has_lost_link, self._has_lost_link or had_lost_link
        if has_lost_link and _is_one_of(block.get("type"), _LOADED):
            return {"type": "text", "text": LINK}
        return visited

    def _key(self, key: Any) -> Any:
        return scrub_result(key, limit=200) if isinstance(key, str) else key

    def _entry(self, block: Mapping[Any, Any], key: Any, depth: int) -> Any:
        value = block[key]
        if _is_one_of(key, _IDS) or (key == "id" and "type" in block):
            return value
        if key == "text" and value is not None and not isinstance(value, str):
            return self._text(_text_of(value))
        if _is_secret(block, key, value):
            return SECRET
        if isinstance(value, str) and compiled(_BASE64).fullmatch(value) and _holds_bytes(key, value):
            return self._encoded(value) if _is_textual(block, value) else value
        return self._value(value, depth + 1)

    def _encoded(self, value: str) -> str:
        """Return base64 of a text without its secrets."""
        head, comma, data = value.rpartition(",")
        try:
            text = base64.b64decode(data, validate=True).decode()
        except (binascii.Error, ValueError):
            return value
        shown = self._text(text)
        return value if shown == text else f"{head}{comma}{base64.b64encode(shown.encode()).decode()}"


def _is_secret(block: Mapping[Any, Any], key: Any, value: Any) -> bool:
    """Say whether the value has the name of a secret: its key, or the name beside it."""
    names = [key] if key != "value" else [block.get(name) for name in ("name", "key", "field")]
    is_count = value is None or isinstance(value, bool) or (isinstance(value, int | float) and "token" in str(key))
    return not is_count and any(isinstance(name, str) and is_secret_name(name) for name in names)


def _holds_bytes(key: Any, value: str) -> bool:
    return _is_one_of(key, _DATA) or value.startswith("data:")


def _is_textual(block: Mapping[Any, Any], value: str) -> bool:
    kinds = [value.removeprefix("data:")] if value.startswith("data:") else [block.get(key) for key in _KINDS]
    return any(isinstance(kind, str) and compiled(_TEXTUAL).match(kind) for kind in kinds)


def _is_one_of(value: Any, values: frozenset[str]) -> bool:
    return isinstance(value, str) and value in values


def _says_nothing(part: Any) -> bool:
    return isinstance(part, dict) and ("text" in part or part.get("type") == "text") and part.get("text") in {None, ""}


def _text_of(value: Any) -> str:
    try:
        return bytes(value).decode() if isinstance(value, bytes | bytearray | memoryview) else str(value)
    except Exception:  # noqa: BLE001 -- whatever its __str__ does.
        return UNREADABLE
