"""The content blocks of a returned error keep no secret and nothing that a provider refuses, and never crash."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tools._core.redacted_content import scrub_content
from tests.support.characters import CHARACTERS
from tests.support.work import work_of

KEY = "sk-live-4eC39HqLyjWDarjtT1zdp7dc"
TEXT = f"refused: api_key={KEY}, order A-1"
LINK = "https://u:swordfish@files.example/a.png?X-Amz-Signature=abcdef0123456789"
PIXEL = base64.b64encode(bytes(range(48))).decode()

BLOCKS = {
    "text": {"type": "text", "text": TEXT},
    "text with annotations": {
        "type": "text",
        "text": "no",
        "annotations": [
            {"type": "citation", "url": LINK, "title": TEXT, "cited_text": TEXT},
            {"type": "non_standard_annotation", "value": {"note": TEXT}},
        ],
    },
    "reasoning": {"type": "reasoning", "reasoning": TEXT},
    "refusal": {"type": "refusal", "refusal": TEXT},
    "json": {"type": "json", "json": {"error": TEXT, "nested": [{"detail": TEXT}]}},
    "json with a name": {"type": "json", "json": {"password": KEY, "user": "bob"}},
    "json with a pair": {"type": "json", "json": [{"name": "DB_PASSWORD", "value": KEY}]},
    "search_result": {
        "type": "search_result",
        "source": LINK,
        "title": TEXT,
        "content": [{"type": "text", "text": TEXT}],
    },
    "document of text": {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": TEXT}},
    "document by link": {"type": "document", "source": {"type": "url", "url": LINK}, "title": TEXT, "context": TEXT},
    "plain text": {"type": "text-plain", "mime_type": "text/plain", "text": TEXT, "title": TEXT, "context": TEXT},
    "plain text in base64": {
        "type": "text-plain",
        "mime_type": "text/plain",
        "base64": base64.b64encode(TEXT.encode()).decode(),
    },
    "file": {"type": "file", "file": {"filename": f"{KEY}.txt", "file_data": f"data:application/pdf;base64,{PIXEL}"}},
    "file by link": {"type": "file", "url": LINK, "mime_type": "application/pdf"},
    "file of text": {
        "type": "file",
        "file": {"file_data": f"data:text/plain;base64,{base64.b64encode(TEXT.encode()).decode()}"},
    },
    "image_url": {"type": "image_url", "image_url": {"url": LINK, "detail": "auto"}},
    "image_url as a text": {"type": "image_url", "image_url": LINK},
    "image": {"type": "image", "source": {"type": "url", "url": LINK}},
    "audio": {"type": "audio", "url": LINK, "extras": {"note": TEXT}},
    "resource": {"type": "resource", "resource": {"uri": LINK, "text": TEXT, "mimeType": "text/plain"}},
    "resource_link": {"type": "resource_link", "uri": LINK, "name": TEXT, "description": TEXT},
    "tool_call": {"type": "tool_call", "id": "call_1", "name": "x", "args": {"query": TEXT}},
    "invalid_tool_call": {"type": "invalid_tool_call", "id": "c", "name": "x", "args": TEXT, "error": TEXT},
    "server_tool_result": {"type": "server_tool_result", "tool_call_id": "c", "status": "error", "output": TEXT},
    "tool_result": {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": TEXT}]},
    "non_standard": {"type": "non_standard", "value": {"x": {"y": [TEXT, (TEXT,), {TEXT}]}}},
    "unknown": {"type": "of tomorrow", "words": [TEXT], "bytes": TEXT.encode(), KEY: "a key"},
    "no block": TEXT,
    "no type": {"message": TEXT},
}


@pytest.mark.parametrize("kind", BLOCKS)
def test_no_secret_is_left_in_a_block_of_any_kind(kind: str) -> None:
    scrubbed = scrub_content([BLOCKS[kind]])

    shown = json.dumps(scrubbed)
    decoded = [base64.b64decode(part.rpartition(",")[2]).decode(errors="replace") for part in encoded_in(scrubbed)]
    for piece in ("4eC39HqLyj", "swordfish", "abcdef0123456789"):
        assert piece not in shown
        assert piece not in str(decoded)
    assert scrubbed


def encoded_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [
            text
            for key, part in value.items()
            for text in ([part] if key in {"base64", "file_data"} else encoded_in(part))
        ]
    return [text for part in value for text in encoded_in(part)] if isinstance(value, list) else []


STAY = [
    [{"type": "text", "text": "Order A-1 was not found", "id": "lc_4bf92f3577b34da6a3ce929d0e0e4736"}],
    [{"type": "image", "base64": PIXEL, "mime_type": "image/png"}],
    [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}}],
    [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}],
    [{"type": "input_audio", "input_audio": {"data": PIXEL, "format": "wav"}}],
    [{"type": "image", "url": "https://files.example/a.png"}],
    [{"type": "file", "file_id": "file-6F2ksmvXxt4VdoqmHRw6kL"}],
    [{"type": "json", "json": {"code": 404, "box": [0, None, 1.5, ""], "ok": False, "max_tokens": 4096}}],
    [{"type": "tool_result", "tool_use_id": "toolu_01A09q90qw90lq917835lq9", "content": "no"}],
    [{"type": "text", "text": 'File "src/cart.py", line 12\n  assert x'}],
    ["one", "two"],
]


@pytest.mark.parametrize("content", STAY)
def test_what_holds_no_secret_stays_as_it_is(content: Any) -> None:
    assert scrub_content(content) == content


SAYS_NOTHING = [
    {"type": "text", "text": None},
    {"type": "text"},
    {"type": "text", "text": ""},
    {"type": "text", "text": " \n"},
    "",
    None,
]


@pytest.mark.parametrize("block", SAYS_NOTHING)
def test_a_block_that_says_nothing_is_left_out(block: Any) -> None:
    assert scrub_content([block, {"type": "text", "text": "no"}]) == [{"type": "text", "text": "no"}]


def test_a_picture_whose_link_was_signed_becomes_a_text_instead_of_a_dead_link() -> None:
    assert scrub_content([BLOCKS["image_url"]]) == [{"type": "text", "text": "[link]"}]


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError


def test_what_is_no_text_is_read_as_one() -> None:
    block = {"type": "text", "text": b"bytes", "also": {7, b"more"}, 1: Unprintable()}

    (scrubbed,) = scrub_content([block])

    assert scrubbed["text"] == "bytes"
    assert scrubbed["also"]


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(CHARACTERS)
    | st.binary()
    | st.just(Unprintable()),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "text", "id", "data", "url"]), inner),
    max_leaves=30,
)


@pytest.mark.untraced
@given(st.lists(json_like))
def test_nothing_crashes(content: Any) -> None:
    scrubbed = scrub_content(content)
    assert isinstance(scrubbed, list)
    assert all(isinstance(block, str | dict) for block in scrubbed)


def test_a_block_that_holds_itself_ends() -> None:
    block: dict[str, Any] = {"type": "json"}
    block["json"] = [block] * 20
    assert len(str(scrub_content([block]))) < 1_000_000


def test_all_blocks_share_one_limit() -> None:
    content: Any = [{"type": "text", "text": "word " * 500} for _ in range(50)]
    scrubbed = scrub_content(content)
    assert sum(len(block["text"]) for block in scrubbed if isinstance(block, dict)) <= 4_000


def test_twice_as_many_blocks_are_twice_the_work_at_most() -> None:
    def content(size: int) -> Any:
        return [{"type": "text", "text": TEXT, "annotations": [{"title": TEXT}]} for _ in range(size)]

    scrub_content(content(10))
    few, many = work_of(scrub_content, content(100)), work_of(scrub_content, content(200))
    assert many.calls <= 2.2 * few.calls
    assert many.characters <= 2.2 * few.characters
