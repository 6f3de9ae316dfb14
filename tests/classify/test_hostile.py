"""No exception makes a diagnosis raise or take long: errors are foreign objects, and some lie."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tools import ErrorCategory, Failure, diagnose
from agent_tools._classify.naming import NAMES_BY_ROLE
from tests.classify.clients import CANARY
from tests.support.characters import CHARACTERS
from tests.support.work import work_of

NAMES = sorted({name for names in NAMES_BY_ROLE.values() for name in names})

#: The most function calls of a diagnosis. A chain of 64 errors with all attributes needs most of them.
MOST_CALLS = 35_000

#: The most characters that a diagnosis reads. A third are one body of 16,000, read by ten functions.
MOST_CHARACTERS = 500_000


def refuse(*_: object, **__: object) -> NoReturn:
    raise BaseException("no")  # noqa: TRY002  # the worst that code can raise


class PlainError(Exception):
    """Says nothing."""


class RaisingError(Exception):
    """Raises for every attribute."""

    __getattribute__ = refuse
    __str__ = refuse
    __repr__ = refuse
    __bool__ = refuse
    __eq__ = refuse
    __hash__ = refuse


class YesError(Exception):
    """Has every attribute, each another error like this."""

    def __getattr__(self, name: str) -> "YesError":
        return YesError()


class LyingError(Exception):
    """Lies about its class, and has causes that are not errors."""

    __class__ = property(refuse)
    __cause__ = property(refuse)
    __context__ = "nothing"
    args = property(refuse)


class LyingMeta(type):
    """A metaclass whose classes raise for every question."""

    __hash__ = refuse
    __eq__ = refuse
    __instancecheck__ = refuse
    __subclasscheck__ = refuse
    __getattribute__ = refuse


class LyingDict(dict[str, Any]):
    get = items = keys = __iter__ = __len__ = __contains__ = __getitem__ = refuse


class LyingInt(int):
    __le__ = __lt__ = __ge__ = __gt__ = __eq__ = __hash__ = __index__ = refuse


class LyingStr(str):
    __slots__ = ()
    lower = strip = __len__ = __eq__ = __hash__ = __getitem__ = __iter__ = refuse


def with_attributes(**attributes: object) -> BaseException:
    error = PlainError()
    vars(error).update(attributes)
    return error


def with_lying_dict() -> BaseException:
    error = PlainError()
    error.__dict__ = LyingDict(status_code=503, headers=LyingDict({"Retry-After": "7"}))
    return error


def with_causes(count: int) -> BaseException:
    outermost: BaseException = PlainError()
    for _ in range(count):
        outer = PlainError()
        outer.__cause__ = outermost
        outermost = outer
    return outermost


def with_groups(count: int) -> BaseException:
    error: Exception = ConnectionError()
    for _ in range(count):
        error = ExceptionGroup("group", [error])
    return error


def with_a_circle() -> BaseException:
    circle: dict[str, Any] = {}
    circle.update(dict.fromkeys(("error", "errors", "details", "code", "type"), circle))
    return with_attributes(body=circle, response=circle, errors=[circle] * 1000)


def endless() -> Iterator[tuple[str, str]]:
    while True:
        yield "x-name", "value"


HOSTILE: dict[str, Callable[[], BaseException]] = {
    "raises at every look": RaisingError,
    "has every attribute": YesError,
    "lies about its class and its causes": LyingError,
    "a class that answers nothing": lambda: LyingMeta("HostileError", (Exception,), {})(),  # noqa: PLW0108  # a fresh class
    "keeps what answers nothing": lambda: with_attributes(kept=LyingMeta("HostileError", (Exception,), {})()),
    "10,000 causes": partial(with_causes, 10_000),
    "10,000 groups": partial(with_groups, 10_000),
    "100,000 leaves": lambda: ExceptionGroup("many", [PlainError()] * 100_000),
    "10 MB of text": lambda: PlainError("x" * 10_000_000),
    "a name of 1 MB": lambda: type("x" * 1_000_000, (Exception,), {})(),  # noqa: PLW0108  # a fresh class
    "no module": lambda: type("OddError", (Exception,), {"__module__": 5})(),  # noqa: PLW0108  # a fresh class
    "a dict that lies": with_lying_dict,
    "an int that lies": lambda: with_attributes(status_code=LyingInt(503)),
    "a str that lies": lambda: with_attributes(code=LyingStr("ratelimited"), headers=[(LyingStr("Retry-After"), "7")]),
    "numbers that are none": lambda: with_attributes(status_code=float("nan"), retry_after=10**400, code=10**400),
    "a header of 1 MB": lambda: with_attributes(status=503, headers={"Retry-After": "7" * 1_000_000}),
    "endless headers": lambda: with_attributes(status=503, headers=MagicMock(items=endless)),
    "a body that runs in a circle": with_a_circle,
    "a body nested too deep": lambda: with_attributes(status=429, body="[" * 16_000),
    "a body of 10 MB": lambda: with_attributes(status=429, body="{" + " " * 10_000_000),
    "a mock for a response": lambda: with_attributes(response=MagicMock()),
    "a mock for an attempt": lambda: with_attributes(last_attempt=MagicMock()),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_error_gets_a_diagnosis_with_little_work(make: Callable[[], BaseException]) -> None:
    error = make()
    assert isinstance(diagnose(error), Failure)
    for work in (work_of(diagnose, make()), work_of(diagnose, error)):
        assert work.calls <= MOST_CALLS
        assert work.characters <= MOST_CHARACTERS


def test_the_work_of_reading_a_long_text_would_be_seen() -> None:
    def reads_all(error: BaseException) -> str:
        return "retryable" if re.compile("later").search(str(error)) else str(error).lower()

    assert work_of(reads_all, PlainError("x" * 10_000_000)).characters > MOST_CHARACTERS


def test_what_lies_about_its_type_is_still_read() -> None:
    assert diagnose(with_lying_dict()).retry_after == 7.0
    assert diagnose(with_attributes(status_code=LyingInt(503))).status_code == 503
    assert type(diagnose(with_attributes(status_code=LyingInt(503))).status_code) is int


def test_ctrl_c_while_reading_passes() -> None:
    class SlowError(Exception):
        @property
        def status_code(self) -> int:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        diagnose(SlowError())


def test_a_long_chain_costs_no_more_than_in_proportion() -> None:
    short, long = work_of(diagnose, with_causes(6)), work_of(diagnose, with_causes(60))
    assert long.calls < 10 * short.calls


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([401, 403, 404, 429, 500, 503, "429", "rate_limit", "unauthorized", "7", CANARY])
    | st.floats()
    | st.text(CHARACTERS, max_size=20)
    | st.binary(max_size=20)
    | st.builds(ValueError)
    | st.builds(TimeoutError)
    | st.just(refuse)
    | st.builds(MagicMock),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.untraced
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6), st.lists(VALUES, max_size=3))
def test_whatever_an_error_holds_its_diagnosis_is_plain_data(attributes: dict[str, Any], args: list[Any]) -> None:
    error = type("AnyError", (Exception,), {})(*args)
    vars(error).update(attributes)
    failure = diagnose(error)
    assert type(failure.category) is ErrorCategory
    assert type(failure.status_code) in (int, type(None))
    assert type(failure.retry_after) in (float, type(None))
    assert failure.retry_after is None or 0 <= failure.retry_after < float("inf")
    assert CANARY not in repr(failure)


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["raise", "value"]), max_size=6))
def test_attributes_that_raise_are_not_there(kinds: dict[str, str]) -> None:
    namespace = {name: property(refuse) if kind == "raise" else kind for name, kind in kinds.items()}
    assert diagnose(type("AnyError", (Exception,), namespace)()).category is ErrorCategory.NON_RETRYABLE
