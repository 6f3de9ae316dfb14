"""An explanation names the rule and the consequence, and never quotes the error."""

from typing import Any

import httpx
import pytest
from langchain_core.tools import ToolException

from agent_tools import ErrorCategory
from agent_tools._classify import explain
from agent_tools._classify.explanation import CONSEQUENCE_BY_CATEGORY, CONSEQUENCE_BY_VETO
from agent_tools._core.failure import Veto
from tests.classify.clients import CANARY
from tests.classify.test_contract import status_error


def test_it_shows_the_way_and_the_decision() -> None:
    error = ToolException(CANARY)
    error.__cause__ = status_error(429, headers={"Retry-After": "7"})
    assert explain(error).splitlines() == [
        "ToolException: says nothing of itself",
        "  HTTPStatusError: RETRYABLE (HTTP 429)",
        "=> RETRYABLE, has not acted, too many requests, asks to wait 7 s; retried by default",
    ]


def test_it_shows_the_leaves_of_a_group() -> None:
    group = ExceptionGroup("lookups", [httpx.ReadTimeout("no"), KeyError()])
    assert explain(group).splitlines() == [
        "ExceptionGroup: says nothing of itself",
        "  ReadTimeout: TIMEOUT (httpx.TimeoutException)",
        "  KeyError: NON_RETRYABLE (builtins.LookupError)",
        "=> NON_RETRYABLE, may have acted; not retried: repeating the call changes nothing",
    ]


def test_it_names_a_rule_of_the_user() -> None:
    said = explain(KeyError(), rules={KeyError: "timeout"})
    assert said.splitlines()[0] == "KeyError: TIMEOUT (own rule KeyError)"


@pytest.mark.parametrize("given", [TimeoutError, "timeout"])
def test_what_is_no_error_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="error must be an exception instance, not"):
        explain(given)


def test_it_names_a_veto() -> None:
    assert explain(status_error(503, headers={"x-should-retry": "false"})).endswith(CONSEQUENCE_BY_VETO[Veto.SERVER])


def test_every_category_and_veto_has_a_consequence() -> None:
    assert set(CONSEQUENCE_BY_CATEGORY) == set(ErrorCategory)
    assert set(CONSEQUENCE_BY_VETO) == set(Veto)


@pytest.mark.parametrize("error", [Exception(CANARY), status_error(401, json={"error": CANARY}), KeyError(CANARY)])
def test_it_shows_nothing_that_an_error_says(error: BaseException) -> None:
    assert CANARY not in explain(error)
    assert "orders.internal" not in explain(error)
