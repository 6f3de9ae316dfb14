"""The wording of answers, for every combination of facts."""

from itertools import product
from typing import Any

import pytest

from agent_tools._core.answer import MOST_WORDS, render
from agent_tools._core.failure import ErrorCategory, Failure, Veto
from agent_tools._core.outcome import Outcome, facts
from agent_tools._core.reason import Reason

INVITATIONS = ("try again", "try it again", "please", "retry", "once more", "later", "fix your mistakes", "soon")


def outcome(category: Any = "retryable", reason: Any = "attempts_used", **given: Any) -> Outcome:
    names = ("status_code", "retry_after", "may_have_acted", "veto", "detail")
    failure = {name: given.pop(name) for name in names if name in given}
    return Outcome(
        tool="lookup",
        failure=Failure(category=ErrorCategory(category), **{"may_have_acted": False, **failure}),
        reason=Reason(reason),
        **{"attempts": 1, "elapsed": 2.1, **given},
    )


@pytest.mark.untraced
@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("category", ErrorCategory)
def test_every_answer_is_short_names_the_tool_and_invites_to_nothing(category: ErrorCategory, reason: Reason) -> None:
    for status, wait, acted, idempotent, veto, attempts, direct, same in product(
        (None, 402, 403, 404, 407, 429, 503),
        (None, 24_000.0),
        (True, False),
        (None, True, False),
        (None, Veto.QUOTA, Veto.RUNNING),
        (0, 12),
        (True, False),
        (True, False),
    ):
        case = outcome(
            category,
            reason,
            status_code=status,
            retry_after=wait,
            may_have_acted=acted,
            veto=veto,
            idempotent=idempotent,
            attempts=attempts,
            elapsed=12_345.6,
            direct=direct,
            failed_before=12,
            same_call=same,
        )
        text = render(case)
        lowered = text.lower()
        assert len(text.split()) <= MOST_WORDS, text
        assert "`lookup`" in text
        assert text.endswith(".")
        assert not any(invitation in lowered for invitation in INVITATIONS), text
        assert ("was tried" in text) is (attempts > 0), text
        assert ("was not run" in text) is (attempts == 0), text


#: The facts, and the expected text, in which line breaks do not count.
TEXTS = {
    "budget": (
        outcome(reason="budget", status_code=502, attempts=2),
        """
        `lookup` failed: its service has a problem (HTTP 502). It was tried 2 times in 2.1 s. Many calls of it
        fail at present, so it was left alone. There is no result. Tell the user that `lookup` is not available
        at present and continue without it.
        """,
    ),
    "crowded, not run": (
        outcome("timeout", reason="crowded", attempts=0),
        """
        `lookup` is overloaded. It was not run. Its service gets more calls than it can answer in time. There is
        no result. Tell the user that `lookup` is not available at present and continue without it.
        """,
    ),
    "crowded, not run again": (
        outcome(reason="crowded", status_code=503, attempts=1),
        """
        `lookup` failed: its service has a problem (HTTP 503). It was tried once. Its service gets more calls than
        it can answer in time. There is no result. Tell the user that `lookup` is not available at present and
        continue without it.
        """,
    ),
    "circuit, not run": (
        outcome(reason="circuit", status_code=503, attempts=0, retry_after=12.5),
        """
        `lookup` is down: its service has a problem (HTTP 503). It was not run. All calls of it are held back
        for another 12.5 s. There is no result. Tell the user that `lookup` is not available at present and
        continue without it.
        """,
    ),
    "circuit, a probe on its way": (
        outcome("timeout", reason="circuit", attempts=0),
        """
        `lookup` is down: its service does not answer in time. It was not run. All calls of it are held back.
        There is no result. Tell the user that `lookup` is not available at present and continue without it.
        """,
    ),
    "circuit, after an attempt": (
        outcome("network", reason="circuit", attempts=1, retry_after=0.5),
        """
        `lookup` did not reach its service. It was tried once. All calls of it are held back for another 0.5 s.
        There is no result. Tell the user that `lookup` is not available at present and continue without it.
        """,
    ),
    "throttled, not run": (
        outcome(reason="retry_after", status_code=429, attempts=0, retry_after=600.0),
        """
        `lookup` is held back: its service gets too many requests (HTTP 429). It was not run. The service asks
        to be left alone for 600 s (about 10 min). There is no result. Tell the user that `lookup` is not
        available at present and continue without it.
        """,
    ),
    "repeated, the same call": (
        outcome(reason="repeated", status_code=503, attempts=0, failed_before=2, same_call=True),
        """
        `lookup` failed: its service has a problem (HTTP 503). It was not run again: the same call has failed 2
        times already. There is no result. Tell the user that `lookup` is not available at present and continue
        without it.
        """,
    ),
    "repeated, nothing found": (
        outcome("non_retryable", reason="repeated", status_code=404, attempts=0, failed_before=2, same_call=True),
        """
        `lookup` found nothing for these arguments (HTTP 404). It was not run again: the same call has failed 2
        times already. Check the arguments with the user, or continue without it.
        """,
    ),
    "repeated, with other arguments": (
        outcome("non_retryable", reason="repeated", status_code=404, attempts=0, failed_before=3),
        """
        `lookup` has no result for any of the arguments so far (HTTP 404). It was not run again: it has failed 3
        times in a row. Check the arguments with the user, or continue without it.
        """,
    ),
    "stopped": (
        outcome("auth_failure", reason="stopped", status_code=401, attempts=0, failed_before=1),
        """
        `lookup` was refused: its credentials are not accepted (HTTP 401). It was not run again. Only its
        operator can fix that. Tell the user that `lookup` is not available and continue without it.
        """,
    ),
    "draining": (
        outcome(reason="draining", status_code=503),
        """
        `lookup` failed: its service has a problem (HTTP 503). It was tried once. The application is shutting
        down. There is no result. Tell the user that `lookup` is not available at present and continue without
        it.
        """,
    ),
    "repeated, may have acted": (
        outcome(
            "timeout",
            reason="repeated",
            attempts=0,
            may_have_acted=True,
            idempotent=False,
            failed_before=2,
            same_call=True,
        ),
        """
        `lookup` did not answer in time. It was not run again: the same call has failed 2 times already. It is
        unknown whether it took effect: check before doing it again. Tell the user that the outcome of `lookup`
        has to be checked, and continue without its result.
        """,
    ),
}


@pytest.mark.parametrize(("case", "text"), TEXTS.values(), ids=TEXTS)
def test_the_answers_to_calls_that_were_cut_short_read_as_they_should(case: Outcome, text: str) -> None:
    assert render(case) == " ".join(text.split())


def test_the_facts_tell_a_call_that_was_not_run() -> None:
    told = facts(outcome(reason="repeated", status_code=503, attempts=0, elapsed=0.0))

    assert (told["reason"], told["attempts"], told["category"], told["status_code"]) == (
        "repeated",
        0,
        "retryable",
        503,
    )
    assert {type(value) for value in told.values()} <= {str, int, float, bool, type(None)}
