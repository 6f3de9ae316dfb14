"""Which reply comes next, by the path of the request.

A route is a method and a path, a path, or `"*"` for all other requests; the most specific one
answers. Its answers come in the order they were written; the last one repeats forever.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, repeat

from agent_tools.testing._reply import Reply, Request

#: An int stands for a reply with that status, a dict for one with that JSON body.
Plain = Reply | int | Mapping[str, object]
Maker = Callable[[Request], Plain]
Answers = Plain | Maker | Sequence[Plain | Maker]

EVERY_PATH = "*"

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

_ROUTE = re.compile(r"\*|([A-Z]+ )?/[^\s?#]*")


class Routes:
    """The remaining answers, route by route. Safe to share between threads.

    Raises:
        ValueError: A route that no request can match, or one without answers.
        TypeError: Something that is not an answer.
    """

    def __init__(self, answers_by_route: Mapping[str, Answers]) -> None:
        for route in answers_by_route:
            _require_route(route)
        self._coming_by_route = {
            route: _coming(_prepared(route, answers)) for route, answers in answers_by_route.items()
        }
        self._lock = threading.Lock()

    def reply_to(self, request: Request) -> Reply:
        """Return the next reply for `request`, or a 404 if none is scripted."""
        for route in routes_of(request):
            if route in self._coming_by_route:
                answer = self._next(route)
                return answer if isinstance(answer, Reply) else _as_reply(route, answer(request))
        detail = f"no reply is scripted for {request.method} {request.path}"
        return Reply(404, {"detail": detail, "scripted": list(self._coming_by_route)})

    def _next(self, route: str) -> Reply | Maker:
        with self._lock:
            return next(self._coming_by_route[route])


def routes_of(request: Request) -> tuple[str, ...]:
    """Return the routes that match `request`, most specific first."""
    return f"{request.method} {request.path}", request.path, EVERY_PATH


def _prepared(route: str, answers: Answers) -> list[Reply | Maker]:
    prepared = [answer if callable(answer) else _as_reply(route, answer) for answer in _listed(answers)]
    if not prepared:
        raise ValueError(f"route {route!r} must have at least one answer, not {answers!r}")
    return prepared


def _listed(answers: Answers) -> Sequence[Plain | Maker]:
    if isinstance(answers, Sequence) and not isinstance(answers, str | bytes):
        return answers
    return [answers]  # type: ignore[list-item]  # text and bytes, which are rejected right after


def _coming(answers: list[Reply | Maker]) -> Iterator[Reply | Maker]:
    return chain(answers, repeat(answers[-1]))


def _as_reply(route: str, answer: object) -> Reply:
    if isinstance(answer, Reply):
        return answer
    if isinstance(answer, int):
        return Reply(answer)
    if isinstance(answer, Mapping):
        return Reply(body=answer)
    raise TypeError(f"the answer of {route!r} must be a Reply, a status, a dict or a callable, not {answer!r}")


def _require_route(route: str) -> None:
    if not _ROUTE.fullmatch(route):
        raise ValueError(f"a route must look like '/path', 'GET /path' or '*', not {route!r}")
    method = route.partition(" ")[0] if " " in route else "GET"
    if method not in _METHODS:
        raise ValueError(f"the method of a route must be one of {', '.join(_METHODS)}, not {method!r} as in {route!r}")
