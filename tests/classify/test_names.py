"""Error classes in no table: a status in some attribute, or a class name that tells the category."""

from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tools import ErrorCategory, diagnose
from agent_tools._classify.naming import NAMES_BY_ROLE, Role
from agent_tools._classify.subject import Subject
from tests.classify.test_contract import status_error
from tests.support.characters import CHARACTERS

RETRYABLE, NON_RETRYABLE, AUTH, TIMEOUT, NETWORK = ErrorCategory


def made(name: str, *bases: type, **attributes: object) -> BaseException:
    """Return an error of a new application class."""
    error: BaseException = type(name, bases or (Exception,), {"__module__": "crm.client"})()
    vars(error).update(attributes)
    return error


CATEGORY_BY_NAME = {
    "AuthenticationError": AUTH,
    "CrmLoginFailed": AUTH,
    "ForbiddenError": AUTH,
    "InvalidApiKey": AUTH,
    "InvalidCredentialsError": AUTH,
    "InvalidUserCredentials": AUTH,
    "PermissionDenied": AUTH,
    "UnauthorizedException": AUTH,
    "CrmRateLimitError": RETRYABLE,
    "HTTPServiceUnavailable": RETRYABLE,
    "InternalServerError": RETRYABLE,
    "RateLimitExceededException": RETRYABLE,
    "TooManyRequests": RETRYABLE,
    "TooManyLookupRequest": RETRYABLE,
    "ErrorTooManyObjectsOpened": RETRYABLE,
    "GatewayError": RETRYABLE,
    "TransientError": RETRYABLE,
    "CrmReadTimeout": TIMEOUT,
    "DeadlineExceeded": TIMEOUT,
    "OperationTimedOut": TIMEOUT,
    "ConnectionLostError": NETWORK,
    "CrmConnectionError": NETWORK,
    "DNSError": NETWORK,
    "HTTPStatus0Error": NETWORK,
    "BadRequest": NON_RETRYABLE,
    "InvalidTimeout": NON_RETRYABLE,
    "NoSuchTicket": NON_RETRYABLE,
    "NotRetryableError": NON_RETRYABLE,
    "PaymentGatewayError": NON_RETRYABLE,
    "ProductUnavailable": NON_RETRYABLE,
    "QuotaExceeded": NON_RETRYABLE,
    "TicketNotFoundError": NON_RETRYABLE,
    "TimeoutConfigurationError": NON_RETRYABLE,
    "TooManyItemsInRequest": NON_RETRYABLE,
    "TooManyRedirects": NON_RETRYABLE,
    "UnknownConnection": NON_RETRYABLE,
    "CrmError": NON_RETRYABLE,
}


@pytest.mark.parametrize(("name", "category"), CATEGORY_BY_NAME.items())
def test_a_name_speaks_for_itself(name: str, category: ErrorCategory) -> None:
    assert diagnose(made(name)).category is category


@pytest.mark.parametrize("name", ["CrmRateLimitError", "HTTPServiceUnavailable", "CrmConnectionError"])
def test_what_an_error_was_raised_from_knows_better_than_its_name(name: str) -> None:
    error = made(name)
    error.__cause__ = status_error(401)
    assert diagnose(error).category is AUTH


def test_a_timeout_by_name_stays_one_when_the_connection_broke_inside() -> None:
    error = made("CrmTimeout")
    error.__cause__ = ConnectionResetError()
    assert diagnose(error).category is TIMEOUT


@pytest.mark.parametrize("name", NAMES_BY_ROLE[Role.STATUS])
@pytest.mark.parametrize("value", [503, HTTPStatus.SERVICE_UNAVAILABLE, "503"], ids=["int", "enum", "text"])
def test_a_status_is_found_on_the_error_and_on_its_response(name: str, value: int | str) -> None:
    for error in (
        made("CrmError", **{name: value}),
        made("CrmError", response=SimpleNamespace(**{name: value})),
        made("CrmError", response={name: value}),
    ):
        failure = diagnose(error)
        assert (failure.category, failure.status_code) == (RETRYABLE, 503)


@pytest.mark.parametrize("value", [True, "0503", "503 ", 503.0, 0, 200, 299, 599, 20429, -32603, None, [503], object()])
def test_nothing_but_a_whole_number_in_range_is_a_status(value: object) -> None:
    failure = diagnose(made("CrmError", status_code=value))
    assert (failure.category, failure.status_code) == (NON_RETRYABLE, None)


def test_a_number_of_another_protocol_hides_no_second_status() -> None:
    assert diagnose(made("CrmError", status=0, code=429)).status_code is None


CATEGORY_BY_WORD = {
    "rate_limit_exceeded": RETRYABLE,
    "RateLimitExceeded": RETRYABLE,
    "THROTTLED": RETRYABLE,
    "overloaded_error": RETRYABLE,
    "UNAUTHENTICATED": AUTH,
    "invalid_api_key": AUTH,
    "DEADLINE_EXCEEDED": TIMEOUT,
    "insufficient_quota": NON_RETRYABLE,
    "not_found": NON_RETRYABLE,
    "card_declined": NON_RETRYABLE,
    "please rate limit exceeded": NON_RETRYABLE,
}


@pytest.mark.parametrize(("word", "category"), CATEGORY_BY_WORD.items())
def test_a_code_word_decides_where_there_is_no_status(word: str, category: ErrorCategory) -> None:
    bodies: list[dict[str, Any]] = [
        {"code": word},
        {"body": {"error": {"code": word}}},
        {"body": f'{{"errors": [{{"extensions": {{"code": "{word}"}}}}]}}'},
        {"error": SimpleNamespace(code=word)},
    ]
    assert [diagnose(made("CrmError", **attributes)).category for attributes in bodies] == [category] * len(bodies)


OVERRULED = [
    (400, "throttled", RETRYABLE),
    (403, "rate_limit_exceeded", RETRYABLE),
    (401, "rate_limit_exceeded", AUTH),
    (404, "rate_limit_exceeded", NON_RETRYABLE),
    (400, "invalid_token", AUTH),
    (500, "invalid_token", AUTH),
    (500, "not_found", RETRYABLE),
    (400, "internal_server_error", NON_RETRYABLE),
    (422, "timeout", NON_RETRYABLE),
]


@pytest.mark.parametrize(("status", "word", "category"), OVERRULED)
def test_a_word_overrules_only_statuses_that_services_hide_behind(
    status: int, word: str, category: ErrorCategory
) -> None:
    assert diagnose(made("CrmError", status_code=status, code=word)).category is category


@given(st.text(CHARACTERS))
def test_the_type_is_always_a_short_identifier(name: str) -> None:
    error = Exception.__new__(type("X", (Exception,), {}))
    type(error).__name__ = name.replace("\0", "")
    failure = diagnose(error)
    assert failure.error_type.isidentifier()
    assert len(failure.error_type) <= 80


def test_a_class_of_its_own_module_is_foreign_and_a_builtin_is_not() -> None:
    assert Subject(made("CrmError")).kind.foreign
    assert not Subject(KeyError()).kind.foreign
