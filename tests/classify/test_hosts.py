"""The host that a call is for."""

from typing import Any

import httpx
import pytest

from agent_tools._classify.hosts import host_in, host_of


def failed(url: str) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", url)
    return httpx.HTTPStatusError("failed", request=request, response=httpx.Response(503, request=request))


def wrapped(error: Exception) -> Exception:
    try:
        try:
            raise error
        except Exception as inner:
            raise RuntimeError("it did not work") from inner
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize(
    ("error", "host"),
    [
        (failed("https://api.example/orders?key=1"), "api.example"),
        (failed("http://api.example:8080/"), "api.example:8080"),
        (wrapped(failed("https://api.example/")), "api.example"),
        (ExceptionGroup("two", [failed("https://api.example/a"), failed("https://api.example/b")]), "api.example"),
        (ExceptionGroup("two", [failed("https://one.example/"), failed("https://two.example/")]), None),
        (httpx.ConnectError("no request"), None),
        (ValueError("https://api.example/"), None),
    ],
)
def test_an_error_tells_the_host_of_its_request(error: BaseException, host: str | None) -> None:
    assert host_of(error) == host


@pytest.mark.parametrize(
    ("arguments", "host"),
    [
        ({"url": "https://a.example/x", "then": "https://b.example/"}, "a.example"),
        ({"pages": [{"url": "http://a.example:81/"}]}, "a.example:81"),
        ({"text": "see https://a.example/"}, None),
        ({"url": "https://[broken/"}, None),
        ({}, None),
    ],
)
def test_arguments_tell_it_by_their_first_url(arguments: Any, host: str | None) -> None:
    assert host_in(arguments) == host
