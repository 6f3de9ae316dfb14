"""How a run of a tool goes wrong: the record of it, and the names that users write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from agent_tools._core.policy import require_fraction, require_seconds
from agent_tools.testing import _results
from agent_tools.testing._reply import Fault, Reply

#: The request of an injected error: to a name that never resolves (RFC 2606, 2), with a method that may have changed
#: something but is idempotent, so that sending it again leads to no advice.
_METHOD, _URL = "PUT", "https://injected.invalid/"

ERROR_BY_FAULT: Mapping[Fault, type[httpx.RequestError]] = {
    Fault.RESET: httpx.ReadError,
    Fault.CLOSE: httpx.RemoteProtocolError,
    Fault.RESET_MID_BODY: httpx.ReadError,
    Fault.TRUNCATE: httpx.RemoteProtocolError,
    Fault.STALL: httpx.ReadTimeout,
    Fault.STALL_BODY: httpx.ReadTimeout,
    Fault.GARBAGE: httpx.RemoteProtocolError,
    Fault.BAD_GZIP: httpx.DecodingError,
}

_FIRST_ERROR, _LAST_ERROR = 400, 599


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one run of a tool does.

    Attributes:
        words: How it is shown.
        delay: Seconds before anything happens.
        acts: Whether the tool itself is run.
        change: Turns the result of the tool into the one to return; None for no change.
        error: Makes the error to raise in the end; None to raise nothing.
    """

    words: str
    delay: float = 0.0
    acts: bool = False
    change: Callable[[Any], Any] | None = None  # any result
    error: Callable[[], BaseException] | None = None

    def __repr__(self) -> str:
        return self.words

    def end(self, result: Any) -> Any:
        """Return what the run makes of the tool's `result`, or raise its error."""
        if self.error is not None:
            raise self.error()
        return result if self.change is None else self.change(result)


FaultLike = Step | int | Reply | Fault | BaseException | type[BaseException]


def step_of(given: object) -> Step:
    """Return the step that `given` stands for.

    Raises:
        TypeError: It is not a fault.
        ValueError: It does not stand for an error.
    """
    if isinstance(given, Step):
        return given
    if isinstance(given, Fault):
        return _of_reply(Reply(fault=given))
    if isinstance(given, Reply):
        return _of_reply(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return _of_reply(Reply(given))
    if isinstance(given, BaseException):
        return Step(words=type(given).__name__, error=lambda: given.with_traceback(None))
    if isinstance(given, type) and issubclass(given, BaseException):
        return _of_type(given)
    raise TypeError(
        f"a fault must be a status, a Reply, a Fault, an error, ok, timeout, refused, hang(), slow(), after(), "
        f"truncated(), without() or corrupted(), not {given!r}"
    )


def _of_reply(reply: Reply) -> Step:
    if reply.fault is not None:
        if reply.fault not in ERROR_BY_FAULT:
            raise ValueError(f"a fault must end in an error, unlike {str(reply.fault)!r}; slow() delays a tool")
        error = ERROR_BY_FAULT[Fault(reply.fault)]
        return Step(words=f"Fault.{reply.fault.upper()}", delay=reply.delay, error=_maker(error))
    if not _FIRST_ERROR <= reply.status <= _LAST_ERROR:
        raise ValueError(f"a status must be from {_FIRST_ERROR} to {_LAST_ERROR}, not {reply.status}; ok runs the tool")
    return Step(words=str(reply.status), delay=reply.delay, error=lambda: _status_error(reply))


def _of_type(error: type[BaseException]) -> Step:
    try:
        _maker(error)()
    except TypeError:
        raise ValueError(f"an error type must need no arguments, unlike {error.__name__}: pass an instance") from None
    return Step(words=error.__name__, error=_maker(error))


def _maker(error: type[BaseException]) -> Callable[[], BaseException]:
    if issubclass(error, httpx.RequestError):
        return lambda: error("injected", request=httpx.Request(_METHOD, _URL))
    return error


def _status_error(reply: Reply) -> httpx.HTTPStatusError:
    """Return what `raise_for_status` raises for this reply."""
    response = httpx.Response(
        reply.status,
        headers=[("Content-Type", reply.content_type()), *reply.header_pairs()],
        content=reply.payload(),
        request=httpx.Request(_METHOD, _URL),
    )
    return httpx.HTTPStatusError(f"{reply.status}, injected", request=response.request, response=response)


#: Runs the tool.
ok = Step(words="ok", acts=True)

#: The tool got no answer in time; it was not run. `after(timeout)` runs it.
timeout = replace(_of_type(httpx.ReadTimeout), words="timeout")

#: The tool did not reach its service.
refused = replace(_of_type(httpx.ConnectError), words="refused")


def hang(seconds: float) -> Step:
    """Return a fault that times out after `seconds` of silence; the tool is not run.

    >>> from agent_tools.testing import hang
    >>> hang(0.1)
    hang(0.1)
    """
    require_seconds("seconds", seconds)
    return replace(timeout, words=f"hang({seconds:g})", delay=seconds)


def slow(seconds: float) -> Step:
    """Return a step that runs the tool `seconds` late.

    >>> from agent_tools.testing import slow
    >>> slow(0.1)
    slow(0.1)
    """
    require_seconds("seconds", seconds)
    return replace(ok, words=f"slow({seconds:g})", delay=seconds)


def after(fault: FaultLike) -> Step:
    """Return a fault that runs the tool and then fails: the tool has acted, but its answer is lost.

    >>> from agent_tools.testing import after, timeout
    >>> after(timeout), after(503)
    (after(timeout), after(503))

    Args:
        fault: How it fails once it has acted.

    Raises:
        ValueError: `fault` does not fail.
    """
    step = step_of(fault)
    if step.error is None:
        raise ValueError(f"after() must get a fault that ends in an error, not {step}")
    return replace(step, words=f"after({step})", acts=True)


def truncated(part: float = 0.5) -> Step:
    """Return a fault that runs the tool and cuts its result, so that the model reads only the first `part`.

    >>> from agent_tools.testing import truncated
    >>> truncated(0.25)
    truncated(0.25)
    """
    require_fraction("part", part)
    return replace(ok, words=f"truncated({part:g})", change=lambda result: _results.cut(result, part))


def without(*fields: str) -> Step:
    """Return a fault that runs the tool and removes `fields` from its result, at any depth.

    The result may be a dict, a list of them, or JSON. A result that has none of the fields makes `inject_faults` raise
    at the end of its block.

    >>> from agent_tools.testing import without
    >>> without("status")
    without('status')
    """
    if not fields:
        raise ValueError("without() must get at least one field name")
    words = f"without({', '.join(map(repr, fields))})"
    return replace(ok, words=words, change=lambda result: _results.without(result, fields))


def corrupted(*fields: str, **values: Any) -> Step:  # whatever the result may hold
    """Return a fault that runs the tool and breaks fields of its result, at any depth; see `without`.

    >>> from agent_tools.testing import corrupted
    >>> corrupted("status", amount=-1)
    corrupted('status', amount=-1)

    Args:
        *fields: Names of fields that become unreadable text.
        **values: Other values, by the name of their field.
    """
    broken = dict.fromkeys(fields, _results.UNREADABLE) | values
    if not broken:
        raise ValueError("corrupted() must get at least one field name")
    shown = [*map(repr, fields), *(f"{name}={value!r}" for name, value in values.items())]
    words = f"corrupted({', '.join(shown)})"
    return replace(ok, words=words, change=lambda result: _results.corrupted(result, broken))
