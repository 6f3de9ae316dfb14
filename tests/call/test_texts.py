"""User-defined texts by category, reason and tool, for example in another language."""

from typing import Any

import pytest
from langchain_core.tools import ToolException
from langgraph.config import get_config

from agent_tools import Outcome, ResilientToolNode, ToolErrorHandler
from tests.support.toolbox import AT_ONCE, Flavor, answers_in, asking, graph_of, http_error

OURS = "`lookup` failed: its service has a problem (HTTP 503). It was tried 3 times in "


def said(flavor: Flavor, texts: Any, error: BaseException | None = None, **options: Any) -> str:
    def lookup() -> str:
        raise error or http_error(503)

    return str(flavor.answer(flavor.tool(lookup), policy=AT_ONCE, texts=texts, **options).content)


MOST_PRECISE_FIRST = [
    (("lookup", "attempts_used"), "tool and reason"),
    (("lookup", "retryable"), "tool and category"),
    ("lookup", "tool"),
    ("attempts_used", "reason"),
    ("retryable", "category"),
]


@pytest.mark.parametrize("first", range(5))
def test_the_most_precise_text_is_used(flavor: Flavor, first: int) -> None:
    given = dict(reversed(MOST_PRECISE_FIRST[first:]))

    assert said(flavor, given) == MOST_PRECISE_FIRST[first][1]


def test_what_no_text_is_for_is_said_in_our_words(flavor: Flavor) -> None:
    assert said(flavor, {"timeout": "Zu langsam.", "circuit": "Aus.", ("lookup", "network"): "Weg."}).startswith(OURS)
    assert said(flavor, {}).startswith(OURS)
    assert said(flavor, None).startswith(OURS)


def test_a_template_names_facts(flavor: Flavor) -> None:
    template = "{tool}|{category}|{reason}|{attempts}|{retry_after}|{status_code}|{{}}"
    text = said(flavor, {"retryable": template}, http_error(429, {"Retry-After": "600"}))

    assert text == "lookup|retryable|retry_after|1|600|429|{}"


def test_times_are_in_seconds(flavor: Flavor) -> None:
    def lookup() -> str:
        raise http_error(503)

    texts = {"retryable": "nach {elapsed} s"}
    handler = ToolErrorHandler(policy=AT_ONCE, texts=texts, clock=lambda: 7.0)

    assert flavor.answer(flavor.tool(lookup), handler=handler).content == "nach 0.0 s"


def test_a_template_gives_way_when_a_field_has_no_value_this_time(flavor: Flavor) -> None:
    given = {"lookup": "Noch {retry_after} s.", "retryable": "Gerade nicht."}

    assert said(flavor, given) == "Gerade nicht."
    assert said(flavor, given, http_error(429, {"Retry-After": "600"})) == "Noch 600 s."


def test_a_template_does_not_swallow_what_was_written_for_the_model(flavor: Flavor) -> None:
    error = ToolException("Order A-1 was shipped yesterday.")

    assert said(flavor, {"non_retryable": "Geht nicht."}, error) == "Order A-1 was shipped yesterday."
    assert said(flavor, {"non_retryable": "Nein: {detail}"}, error) == "Nein: Order A-1 was shipped yesterday."
    assert said(flavor, {"non_retryable": "Nein: {detail}"}, KeyError("x")).startswith("`lookup` failed because")


def test_a_function_makes_the_words_of_one_key_or_of_all(flavor: Flavor) -> None:
    def words(outcome: Outcome) -> str:
        return f"{outcome.tool}: {outcome.failure.status_code}, {outcome.attempts}, {outcome.reason}"

    assert said(flavor, words) == "lookup: 503, 3, attempts_used"
    assert said(flavor, {"retryable": words}) == "lookup: 503, 3, attempts_used"
    assert said(flavor, {("lookup", "retryable"): lambda outcome: None, "lookup": words}) == said(flavor, words)


def test_a_function_can_speak_the_language_of_the_conversation(flavor: Flavor) -> None:
    def words(outcome: Outcome) -> str | None:
        return {"de": "Nicht erreichbar.", "fr": "Indisponible."}.get(get_config()["configurable"].get("language", ""))

    def lookup() -> str:
        raise http_error(503)

    graph = graph_of([flavor.tool(lookup)], texts=words, circuit=None, budget=None)

    def answer_in(language: str) -> str:
        config = {"configurable": {"language": language}}
        return str(answers_in(flavor.run(graph, asking(("lookup", {})), config))[0].content)

    assert [answer_in("de"), answer_in("fr")] == ["Nicht erreichbar.", "Indisponible."]
    assert answer_in("it").startswith(OURS)


def failing(outcome: Outcome) -> str:
    raise RuntimeError("key sk-live-4eC39HqLyjWDarjtT1zdp7dc")


@pytest.mark.parametrize(
    ("function", "logged"),
    [
        (failing, "raised RuntimeError"),
        (lambda outcome: 7, "returned int"),
        (lambda outcome: None, ""),
        (lambda outcome: " \n", ""),
    ],
    ids=["raises", "a number", "nothing", "blank"],
)
@pytest.mark.parametrize("by_key", [True, False])
def test_a_function_that_says_nothing_leaves_it_to_our_words(
    flavor: Flavor, function: Any, logged: str, caplog: pytest.LogCaptureFixture, *, by_key: bool
) -> None:
    assert said(flavor, {"retryable": function} if by_key else function).startswith(OURS)

    warned = [record.getMessage() for record in caplog.records if "texts" in record.getMessage()]
    assert len(warned) == bool(logged)
    assert logged in caplog.text
    assert "sk-live" not in caplog.text


def test_your_own_contact_details_pass_and_endless_texts_are_capped(flavor: Flavor) -> None:
    assert said(flavor, {"retryable": "Write to help@shop.example."}) == "Write to help@shop.example."
    assert len(said(flavor, lambda outcome: "x" * 10**6)) == 2000


def test_an_explicit_handle_tool_errors_wins(flavor: Flavor) -> None:
    assert said(flavor, {"retryable": "Text."}, handle_tool_errors="Error.") == "Error."
    assert said(flavor, {"retryable": "Text."}, handle_tool_errors=lambda error: "Function.") == "Function."
    assert said(flavor, {"retryable": "Text."}, handle_tool_errors=True) == "Text."


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ({"lookup": "{foo}"}, ValueError, r"texts\['lookup'\] must use only the fields att.*, not '{foo}'"),
        ({"lookup": "{tool.__class__}"}, ValueError, "without a format or conversion, not '{tool.__class__}'"),
        ({"lookup": "{tool!r}"}, ValueError, "without a format or conversion, not '{tool!r}'"),
        ({"lookup": "{elapsed:.2f}"}, ValueError, "without a format or conversion, not '{elapsed:.2f}'"),
        ({"lookup": "{}"}, ValueError, "without a format or conversion, not '{}'"),
        ({"lookup": "{tool"}, ValueError, r"texts\['lookup'\] must be a valid template, not '{tool': expected '}'"),
        ({"lookup": " "}, ValueError, r"texts\['lookup'\] must not be blank, not ' '"),
        ({"lookup": 7}, TypeError, r"texts\['lookup'\] must be a template or a sync function, not 7"),
        ({("lookup", "nonsense"): "x"}, ValueError, "must name one of approval, .*, not 'nonsense'"),
        (
            {("lookup",): "x"},
            TypeError,
            "texts must be keyed by category, reason, tool, or",
        ),
        ({7: "x"}, TypeError, "texts must be keyed by category, .*, not by 7"),
        ("Geht nicht.", TypeError, "texts must be a mapping or a function, not the text 'Geht nicht.'"),
        (7, TypeError, "texts must be a template or a sync function, not 7"),
    ],
)
def test_mistakes_are_refused_where_they_are_made(texts: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ToolErrorHandler(texts=texts)


def test_async_functions_are_refused() -> None:
    async def words(outcome: Outcome) -> str:
        return ""

    with pytest.raises(TypeError, match="must be a template or a sync function"):
        ToolErrorHandler(texts=words)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["lokup", ("lokup", "timeout")])
def test_a_name_that_no_tool_has_is_refused(key: Any) -> None:
    def lookup() -> str:
        """Look up."""
        return ""

    with pytest.raises(ValueError, match="texts names 'lokup', but the tools are lookup"):
        ResilientToolNode([lookup], texts={key: "x"})
    ResilientToolNode([lookup], texts={"timeout": "x", "lookup": "x", ("lookup", "budget"): "x"})


def test_a_shared_handler_has_texts_of_its_own() -> None:
    with pytest.raises(ValueError, match="texts must be given to the ToolErrorHandler itself"):
        ResilientToolNode([], handler=ToolErrorHandler(), texts={"timeout": "x"})
