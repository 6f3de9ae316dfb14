"""Errors of clients in no table: for each mechanism that reads them, a table with several clients."""

from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from agent_tools import ErrorCategory, Failure, diagnose
from agent_tools._classify.wording import row_in_text
from agent_tools._core.failure import Veto

RETRYABLE, NON_RETRYABLE, AUTH, TIMEOUT, NETWORK = ErrorCategory


def made(qualified: str, *args: Any, base: type = Exception, **attributes: Any) -> BaseException:
    """Return an error like a library's, without the library; `qualified` is its `module.Class`."""
    module, _, name = qualified.rpartition(".")
    error: BaseException = type(name, (base,), {"__module__": module})(*args)
    for key, value in attributes.items():
        setattr(error, key, value)
    return error


class Grpc(IntEnum):
    UNAVAILABLE = 14
    NOT_FOUND = 5


class KafkaError:
    """Like the argument of the errors that librdkafka's binding raises."""

    def __init__(self, name: str, *, retriable: bool = False) -> None:
        self._name, self._retriable = name, retriable

    def name(self) -> str:
        return self._name

    def retriable(self) -> bool:
        return self._retriable


STATUSES = [
    (made("trello.exceptions.ResourceUnavailable", _status=503), RETRYABLE),
    (made("typesense.exceptions.TypesenseClientError", 429, "slow", base=OSError), RETRYABLE),
    (made("spotipy.exceptions.SpotifyException", http_status=401, code=-1), AUTH),
    (made("gitlab.exceptions.GitlabGetError", response_code=404), NON_RETRYABLE),
    (made("curl_cffi.requests.HTTPError", code=0, response=SimpleNamespace(status_code=503)), RETRYABLE),
    (made("gspread.exceptions.APIError", SimpleNamespace(status_code=429, headers={})), RETRYABLE),
    (made("twython.TwythonError", body={"error": {"code": 503, "status": "UNAVAILABLE"}}), RETRYABLE),
    (made("hue.ApiError", '{"status": 401}'), AUTH),
    (made("trino.exceptions.Http503Error"), RETRYABLE),
    (made("shop.HTTPError429"), RETRYABLE),
    (made("shop.Sha512Error"), NON_RETRYABLE),
    (made("azure.cosmos.exceptions.CosmosHttpResponseError", status_code=449), RETRYABLE),
    (made("shop.ProcessError", returncode=503), NON_RETRYABLE),
]

CODES = [
    (made("pg8000.exceptions.DatabaseError", {"S": "ERROR", "C": "40P01"}), RETRYABLE),
    (made("pg8000.exceptions.DatabaseError", {"S": "FATAL", "C": "28P01"}), AUTH),
    (made("asyncmy.errors.OperationalError", 1213, "deadlock"), RETRYABLE),
    (made("asyncmy.errors.ProgrammingError", 1064, "syntax"), NON_RETRYABLE),
    (made("asynch.errors.ServerException", code=516), AUTH),
    (made("aiochclient.exceptions.ChClientError", "Code: 159. DB::Exception: late"), TIMEOUT),
    (made("snowflake.connector.errors.DatabaseError", errno=390114, sqlstate="08001"), AUTH),
    (made("pymongo.errors.OperationFailure", code=16500, details={"codeName": "RequestRateTooLarge"}), RETRYABLE),
    (made("pymongo.errors.OperationFailure", code=429, details={"codeName": "Other"}), NON_RETRYABLE),
    (made("temporalio.service.RPCError", status=Grpc.UNAVAILABLE), RETRYABLE),
    (made("temporalio.service.RPCError", status=Grpc.NOT_FOUND), NON_RETRYABLE),
    (made("cimpl.KafkaException", KafkaError("_TRANSPORT", retriable=True)), NETWORK),
    (made("cimpl.KafkaException", KafkaError("LEADER_NOT_AVAILABLE", retriable=True)), RETRYABLE),
    (made("cimpl.KafkaException", KafkaError("TOPIC_AUTHORIZATION_FAILED")), AUTH),
    (made("aiokafka.errors.NotLeaderForPartitionError", retriable=True), RETRYABLE),
    (made("pycurl.error", 28, "Operation timed out"), TIMEOUT),
    (made("curl_cffi.requests.RequestsError", "Failed to perform, curl: (7) refused."), NETWORK),
    (made("imapclient.exceptions.IMAPClientError", "[AUTHENTICATIONFAILED] no"), AUTH),
    (made("imap_tools.errors.MailboxFetchError", ("NO", [b"[UNAVAILABLE] later"]), "OK"), RETRYABLE),
    (made("coredis.exceptions.ResponseError", "LOADING Redis is loading"), RETRYABLE),
    (made("aiormq.exceptions.ChannelError", code=405), RETRYABLE),
    (made("thrift.transport.TTransport.TTransportException", type=3), TIMEOUT),
]

WORDS = [
    (made("newsapi.NewsAPIException", {"status": "error", "code": "rateLimited"}), RETRYABLE),
    (made("authlib.errors.OAuthError", error="server_error"), RETRYABLE),
    (made("authlib.errors.OAuthError", error="invalid_grant"), AUTH),
    (made("tencentcloud.TencentCloudSDKException", code="AuthFailure.SecretIdNotFound"), AUTH),
    (made("tencentcloud.TencentCloudSDKException", code="RequestLimitExceeded.UinLimitExceeded"), RETRYABLE),
    (made("trino.exceptions.TrinoQueryError", {"errorName": "SERVER_STARTING_UP", "errorCode": 1}), NON_RETRYABLE),
    (made("trino.exceptions.TrinoQueryError", {"errorName": "QUERY_QUEUE_FULL"}), RETRYABLE),
    (made("selenium.common.exceptions.InvalidSessionIdException"), NON_RETRYABLE),
]

CLASSES = [
    (made("valkey.exceptions.BusyLoadingError"), RETRYABLE),
    (made("valkey.exceptions.MaxConnectionsError"), RETRYABLE),
    (made("niquests.exceptions.ConnectTimeout"), TIMEOUT),
    (made("curl_cffi.requests.HTTPError"), NON_RETRYABLE),
    (made("aiogram.exceptions.TelegramServerError"), RETRYABLE),
    (made("kazoo.exceptions.NoAuthError"), AUTH),
    (made("kazoo.exceptions.ConnectionLoss"), NETWORK),
    (made("tornado.iostream.StreamClosedError"), NETWORK),
    (made("websocket.WebSocketPayloadException"), NON_RETRYABLE),
    (made("billiard.exceptions.SoftTimeLimitExceeded"), TIMEOUT),
    (made("web3.exceptions.TimeExhausted"), TIMEOUT),
    (made("exchangelib.errors.ErrorInternalServerTransientError"), RETRYABLE),
    (made("exchangelib.errors.ErrorMailboxStoreUnavailable"), RETRYABLE),
    (made("_pulsar.ServiceUnitNotReady"), RETRYABLE),
    (made("_pulsar.ProducerQueueIsFull"), RETRYABLE),
    (made("django.core.exceptions.AppRegistryNotReady"), NON_RETRYABLE),
    (made("web3.exceptions.Web3RPCError", rpc_response={"error": {"code": -32005}}), RETRYABLE),
    (made("web3.exceptions.Web3RPCError", rpc_response={"error": {"code": -32000}}), NON_RETRYABLE),
    (made("tencentcloud.SDKException", code="InternalError.DbError"), RETRYABLE),
    (made("plaid.ApiException", status=400, headers={"a": "b"}, body='{"error_code": "INVALID_API_KEYS"}'), AUTH),
    (made("pyrogram.errors.FloodWait"), RETRYABLE),
    (
        made("aiogram.exceptions.TelegramEntityTooLarge", base=type("TelegramNetworkError", (Exception,), {})),
        NON_RETRYABLE,
    ),
    (made("ccxt.InvalidNonce", base=type("NetworkError", (Exception,), {})), NON_RETRYABLE),
]

WRAPPED = [
    (
        made("retrying.RetryError", last_attempt=SimpleNamespace(value=(OSError, httpx.ConnectError("x"), None))),
        NETWORK,
    ),
    (made("twisted.web.ResponseFailed", [SimpleNamespace(value=httpx.ReadTimeout("x"))]), TIMEOUT),
    (made("shop.ShopError", last_exception=httpx.ReadTimeout("x")), TIMEOUT),
]


@pytest.mark.parametrize(("error", "category"), STATUSES)
def test_a_status_is_read_wherever_a_client_keeps_it(error: BaseException, category: ErrorCategory) -> None:
    assert diagnose(error).category is category


@pytest.mark.parametrize(("error", "category"), CODES)
def test_a_code_of_a_known_protocol_is_read_in_any_client(error: BaseException, category: ErrorCategory) -> None:
    assert diagnose(error).category is category


@pytest.mark.parametrize(("error", "category"), WORDS)
def test_a_code_word_is_read_as_its_service_means_it(error: BaseException, category: ErrorCategory) -> None:
    assert diagnose(error).category is category


@pytest.mark.parametrize(("error", "category"), CLASSES)
def test_a_class_is_known_by_its_name_its_parent_or_neither(error: BaseException, category: ErrorCategory) -> None:
    assert diagnose(error).category is category


@pytest.mark.parametrize(("error", "category"), WRAPPED)
def test_the_error_inside_is_found_in_any_shape(error: BaseException, category: ErrorCategory) -> None:
    assert diagnose(error).category is category


WAITS = [
    (made("aiogram.exceptions.TelegramRetryAfter", retry_after=17), 17.0),
    (made("shop.BusyError", retry_after_ms=17_000), 17.0),
    (made("shop.BusyError", status_code=429, cooldown="1m0s"), 60.0),
    (made("websocket.BadStatus", status_code=429, resp_headers={"retry-after": "17"}), 17.0),
    (made("azure.CosmosError", status_code=429, headers={"x-ms-retry-after-ms": "17000"}), 17.0),
    (made("groq.RateLimitError", status_code=429, headers={"x-ratelimit-reset-tokens": "6m0s"}), 360.0),
    (
        made(
            "brave.Error", status_code=429, headers={"x-ratelimit-remaining": "0, 99", "x-ratelimit-reset": "1, 3600"}
        ),
        1.0,
    ),
    (made("shop.BusyError", status_code=429, body={"error": {"message": "Please try again in 1.5s."}}), 1.5),
    (made("shop.BusyError", status_code=429, headers={"Retry-After": 17}), 17.0),
]


@pytest.mark.parametrize(("error", "seconds"), WAITS)
def test_a_wait_is_read_wherever_it_stands_and_in_any_unit(error: BaseException, seconds: float) -> None:
    failure = diagnose(error)
    assert (failure.category, failure.retry_after) == (RETRYABLE, seconds)


def during(outer: BaseException, inner: BaseException) -> BaseException:
    outer.__context__ = inner
    return outer


LATE, LOST = httpx.ReadTimeout("x"), httpx.ConnectError("x")
MADE_UP = [
    (during(made("litellm.Timeout", status_code=408), LATE), TIMEOUT, True),
    (during(made("resend.ResendError", code=500), LOST), NETWORK, False),
    (during(made("litellm.APIConnectionError", status_code=500, response=httpx.Response(500)), LATE), TIMEOUT, True),
    (made("litellm.APIConnectionError", status_code=500), NETWORK, True),
    (during(made("shop.ApiError", status_code=503, headers={"date": "x"}), LATE), RETRYABLE, True),
    (during(made("shop.ApiError", status_code=404), LOST), NON_RETRYABLE, False),
    (
        during(made("shop.ApiError", status_code=429), made("shop.Inner", status_code=500, headers={"a": "b"})),
        RETRYABLE,
        True,
    ),
]


@pytest.mark.parametrize(("error", "category", "may_have_acted"), MADE_UP)
def test_a_status_without_an_answer_behind_it_yields_to_the_transport_error(
    error: BaseException,
    category: ErrorCategory,
    may_have_acted: bool,  # a column of the table
) -> None:
    failure = diagnose(error)
    assert (failure.category, failure.may_have_acted) == (category, may_have_acted)


@pytest.mark.parametrize(
    ("status", "word", "category"),
    [(409, "true", RETRYABLE), (404, "true", RETRYABLE), (401, "true", AUTH), (503, "false", RETRYABLE)],
)
def test_the_word_of_the_server_counts_for_and_against(status: int, word: str, category: ErrorCategory) -> None:
    failure = diagnose(made("shop.ApiError", status_code=status, headers={"x-should-retry": word}))
    assert failure.category is category
    assert failure.veto is (Veto.SERVER if word == "false" else None)


@pytest.mark.parametrize(
    "word", ["daily_quota_exceeded", "MonthlyLimitReached", "insufficient_credits", "plan_limit_exceeded"]
)
def test_a_quota_is_known_by_how_it_is_spelled(word: str) -> None:
    failure = diagnose(made("resend.RateLimitError", code=429, error_type=word))
    assert (failure.category, failure.veto) == (RETRYABLE, Veto.QUOTA)


@pytest.mark.parametrize("word", ["request_quota_exceeded", "rate_limit_exceeded", "throttling_quota_exceeded"])
def test_a_quota_by_the_second_is_no_veto(word: str) -> None:
    assert diagnose(made("resend.RateLimitError", code=429, error_type=word)).veto is None


CATEGORY_BY_TEXT = {
    "HTTP 503": RETRYABLE,
    "Solr responded with an error (HTTP 503): [Reason: x]": RETRYABLE,
    "Request failed with status code 429": RETRYABLE,
    "error 503: service unavailable": RETRYABLE,
    "503 Service Unavailable": RETRYABLE,
    '500 {"error": "x"}': RETRYABLE,
    "Server error '503 Service Unavailable' for url 'http://x'": RETRYABLE,
    "401 Client Error: Unauthorized for url: http://x": AUTH,
    "too_many_requests": RETRYABLE,
    "Unauthorized": AUTH,
    "[Errno 111] Connection refused": NETWORK,
    "HTTPConnectionPool(host='x', port=80): Read timed out.": TIMEOUT,
    "404 Client Error": NON_RETRYABLE,
    "expected 200 rows, found 503 of them": None,
    "500 characters at most": None,
    "order 503 was not found": None,
    "InstanceNotFound": None,
    "the account is forbidden to do that": None,
}


@pytest.mark.parametrize(("said", "category"), CATEGORY_BY_TEXT.items())
def test_a_text_counts_in_anchored_forms_only(said: str, category: ErrorCategory | None) -> None:
    row = row_in_text(said)
    assert (row and row.category) is category
    failure = diagnose(made("shop.ShopError", said))
    assert failure.category is (category or NON_RETRYABLE)
    assert failure.veto is (None if category is None else Veto.TEXT)
    assert failure.may_have_acted


def test_the_text_of_a_builtin_error_is_never_read() -> None:
    for kind in (RuntimeError, ValueError, Exception, OSError):
        assert diagnose(kind("HTTP 503")).category is NON_RETRYABLE


def test_a_rule_of_the_user_vouches_for_what_the_text_says() -> None:
    failure = diagnose(made("shop.ShopError", "HTTP 503"), rules=lambda _: "retryable")
    assert failure == Failure(category=RETRYABLE, error_type="ShopError", rule="own rule <lambda>", status_code=503)


@pytest.mark.parametrize("depth", [1_000, 3_000])
def test_a_group_nested_deep_is_what_its_leaf_is(depth: int) -> None:
    error: Exception = httpx.ConnectError("x")
    for _ in range(depth):
        error = ExceptionGroup("group", [error])
    assert diagnose(error).category is NETWORK
