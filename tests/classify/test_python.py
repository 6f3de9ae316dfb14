"""Python's own errors, and those of the frameworks around a tool."""

import concurrent.futures
import errno
import http.client
import json
import socket
import ssl
import subprocess
import urllib.error
import xmlrpc.client
from datetime import timedelta
from types import SimpleNamespace

import anyio
import pydantic
import pytest
from langchain_core.exceptions import OutputParserException
from langgraph.errors import GraphRecursionError, InvalidUpdateError

from agent_tools import ErrorCategory, diagnose
from tests.classify.clients import raised_by

RETRYABLE, NON_RETRYABLE, AUTH, TIMEOUT, NETWORK = ErrorCategory


class Order(pydantic.BaseModel):
    number: int


ERRORS = [
    (TypeError("wrong arguments"), NON_RETRYABLE, True),
    (KeyError(401), NON_RETRYABLE, True),
    (ValueError("timeout must be positive"), NON_RETRYABLE, True),
    (NotImplementedError(), NON_RETRYABLE, True),
    (AssertionError("429"), NON_RETRYABLE, True),
    (ModuleNotFoundError("requests"), NON_RETRYABLE, True),
    (json.JSONDecodeError("no", "<html>", 0), NON_RETRYABLE, True),
    (raised_by(lambda: Order.model_validate({"number": "seven"})), NON_RETRYABLE, True),
    (GraphRecursionError(), NON_RETRYABLE, True),
    (InvalidUpdateError(), NON_RETRYABLE, True),
    (OutputParserException("no"), NON_RETRYABLE, True),
    (SystemExit(429), NON_RETRYABLE, True),
    (FileNotFoundError(errno.ENOENT, "no"), NON_RETRYABLE, True),
    (PermissionError(errno.EACCES, "no"), NON_RETRYABLE, True),
    (OSError(errno.ENOSPC, "no"), NON_RETRYABLE, True),
    (subprocess.CalledProcessError(429, "x"), NON_RETRYABLE, True),
    (http.client.InvalidURL("no"), NON_RETRYABLE, True),
    (urllib.error.URLError("unknown url type: gopher"), NON_RETRYABLE, True),
    (TimeoutError(), TIMEOUT, True),
    (concurrent.futures.TimeoutError("late"), TIMEOUT, True),
    (subprocess.TimeoutExpired("x", 1), TIMEOUT, True),
    (OSError(errno.ETIMEDOUT, "no"), TIMEOUT, True),
    (urllib.error.URLError(TimeoutError()), TIMEOUT, True),
    (ConnectionRefusedError(errno.ECONNREFUSED, "no"), NETWORK, False),
    (ConnectionResetError(errno.ECONNRESET, "no"), NETWORK, True),
    (BrokenPipeError(errno.EPIPE, "no"), NETWORK, True),
    (OSError(errno.ENETUNREACH, "no"), NETWORK, False),
    (OSError(errno.ENOTCONN, "no"), NETWORK, True),
    (socket.gaierror(-2, "no"), NETWORK, False),
    (ssl.SSLCertVerificationError("no"), NETWORK, False),
    (ssl.SSLError("no"), NETWORK, True),
    (http.client.IncompleteRead(b""), NETWORK, True),
    (http.client.RemoteDisconnected("no"), NETWORK, True),
    (anyio.ClosedResourceError(), NETWORK, True),
    (BlockingIOError(errno.EAGAIN, "no"), RETRYABLE, False),
    (xmlrpc.client.ProtocolError("x", 401, "no", {}), AUTH, False),
]


@pytest.mark.parametrize(
    ("error", "category", "may_have_acted"), ERRORS, ids=[f"{n}-{type(e).__name__}" for n, (e, *_) in enumerate(ERRORS)]
)
def test_an_error_of_python_is_what_its_class_or_number_says(
    error: BaseException,
    category: ErrorCategory,
    may_have_acted: bool,  # a column of the table
) -> None:
    failure = diagnose(error)
    assert (failure.category, failure.may_have_acted) == (category, may_have_acted)


WAITS = [
    (7, 7.0),
    (1.5, 1.5),
    ("7", 7.0),
    ("7s", 7.0),
    (timedelta(seconds=7), 7.0),
    (SimpleNamespace(seconds=7, nanos=500_000_000), 7.5),
    (0, 0.0),
    (-1, None),
    (True, None),
    ("soon", None),
    (float("inf"), None),
    (float("nan"), None),
    (10**400, None),
    (timedelta(seconds=-1), None),
    (object(), None),
]


@pytest.mark.parametrize(("value", "seconds"), WAITS, ids=[str(n) for n in range(len(WAITS))])
def test_a_wait_may_be_told_by_an_attribute(value: object, seconds: float | None) -> None:
    error = type("FloodWaitError", (Exception,), {})()
    error.status_code = 429
    error.retry_after = value
    assert diagnose(error).retry_after == seconds


@pytest.mark.parametrize(
    "details", [[{"@type": "RetryInfo", "retryDelay": "7s"}], [SimpleNamespace(retry_delay=timedelta(seconds=7))]]
)
def test_the_retry_info_of_google_is_found(details: object) -> None:
    error = type("ApiCallError", (Exception,), {})()
    error.code = 429
    error.details = details
    assert diagnose(error).retry_after == 7.0


def test_the_wait_of_a_cause_is_found_when_the_error_says_only_its_category() -> None:
    inner = type("ApiCallError", (Exception,), {})()
    inner.status_code, inner.retry_after = 503, 7
    outer = type("ApiCallError", (Exception,), {})()
    outer.status_code, outer.__cause__ = 503, inner
    assert diagnose(outer).retry_after == 7.0
