"""What is known about the effects of an attempt, rule by rule."""

import pytest

from agent_tools._core.evidence import Evidence, SentRequest, is_refusal, may_have_acted
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.idempotency import key_of_request

LOST = Failure(category=ErrorCategory.TIMEOUT)
REFUSED = Failure(category=ErrorCategory.RETRYABLE, status_code=429, may_have_acted=False)


def sent(method: str = "POST", status: int | None = None, *, names_wait: bool = False) -> SentRequest:
    request = SentRequest(method)
    request.leaves()
    if status is not None:
        request.was_answered(status, names_wait=names_wait)
    return request


def of(*requests: SentRequest, own: SentRequest | None = None, is_complete: bool = True) -> Evidence:
    return Evidence.of(requests, own, is_complete=is_complete)


@pytest.mark.parametrize(
    ("status", "names_wait", "refused"),
    [
        (200, False, False),
        (303, False, False),
        (307, False, True),
        (308, False, True),
        (401, False, True),
        (404, False, True),
        (429, False, True),
        (500, False, False),
        (503, False, False),
        (503, True, True),
        (500, True, False),
    ],
)
def test_an_answer_may_say_that_its_request_was_not_carried_out(status: int, names_wait: bool, refused: bool) -> None:
    assert is_refusal(status, names_wait=names_wait) is refused


def test_without_requests_to_look_at_an_error_speaks_for_its_own_alone() -> None:
    assert not may_have_acted(REFUSED, None, must_not_act_twice=False)
    assert may_have_acted(REFUSED, None, must_not_act_twice=True)
    assert may_have_acted(LOST, None, must_not_act_twice=False)


def test_an_error_that_proves_its_own_request_harmless_says_nothing_of_the_others() -> None:
    receipt = sent(status=429)

    assert not may_have_acted(REFUSED, of(receipt, own=receipt), must_not_act_twice=True)
    assert may_have_acted(REFUSED, of(sent(status=200), receipt, own=receipt), must_not_act_twice=True)
    assert may_have_acted(REFUSED, of(sent(), receipt, own=receipt), must_not_act_twice=False)
    assert not may_have_acted(REFUSED, of(sent(status=404), receipt, own=receipt), must_not_act_twice=True)


def test_requests_that_only_read_change_nothing() -> None:
    lookup = sent("GET")

    assert not may_have_acted(LOST, of(lookup, own=lookup), must_not_act_twice=True)
    assert not may_have_acted(REFUSED, of(sent("HEAD"), sent("OPTIONS", 500)), must_not_act_twice=True)


def test_an_error_of_no_request_may_come_from_anything_that_the_tool_did() -> None:
    assert may_have_acted(LOST, of(sent("GET", 200)), must_not_act_twice=True)
    assert may_have_acted(LOST, of(sent(status=429)), must_not_act_twice=False)


def test_a_request_that_nobody_saw_may_not_be_the_only_one() -> None:
    assert may_have_acted(REFUSED, of(sent("GET", 200), is_complete=False), must_not_act_twice=True)
    assert not may_have_acted(REFUSED, of(sent("GET", 200), is_complete=False), must_not_act_twice=False)
    assert may_have_acted(REFUSED, of(sent(status=200), is_complete=False), must_not_act_twice=False)


def test_a_request_without_a_connection_has_not_acted() -> None:
    request = SentRequest("POST")
    request.was_not_connected()
    assert not request.may_have_acted

    request.leaves()  # the second attempt to connect worked
    assert request.may_have_acted


def test_a_request_that_is_sent_more_than_once_has_acted_if_it_ever_may_have() -> None:
    request = sent(status=500)
    request.leaves()
    request.was_answered(429, names_wait=False)
    assert request.may_have_acted
    assert may_have_acted(REFUSED, of(request, own=request), must_not_act_twice=True)

    challenged = sent(status=401)
    challenged.is_sent_again()
    challenged.leaves()
    challenged.was_answered(429, names_wait=False)
    assert not challenged.may_have_acted

    unheard_of = SentRequest("POST")  # by a transport that reports nothing
    unheard_of.is_sent_again()
    assert may_have_acted(REFUSED, of(unheard_of, own=unheard_of), must_not_act_twice=True)


def test_a_failed_connection_after_a_lost_answer_proves_nothing() -> None:
    request = sent()
    request.was_not_connected()

    assert request.may_have_acted


def test_the_key_of_a_request_is_made_of_all_that_tells_it_apart() -> None:
    facts = {"method": "POST", "target": "/refunds?a=1", "body": "b1", "ordinal": 1}
    others = [{"method": "PUT"}, {"target": "/refunds?a=2"}, {"body": "b2"}, {"body": None}, {"ordinal": 2}]
    keys = [key_of_request("call 1", **facts | other) for other in [{}, *others]]  # type: ignore[arg-type]

    assert len({*keys, key_of_request("call 2", **facts)}) == 7  # type: ignore[arg-type]
    assert keys[0] == key_of_request("call 1", **facts)  # type: ignore[arg-type]
