"""A provider on loopback: it replies from the test's script, and refuses what a real one refuses."""

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol, Self

from agent_tools.testing import FaultyServer, Reply, Request

Json = dict[str, Any]  # any protocol


@dataclass(frozen=True, slots=True)
class Asked:
    """A call of the model; its arguments are text, since models may write anything."""

    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call on its way to the client."""

    id: str
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer to a call as it arrives at the provider."""

    call_id: str
    text: str


Move = str | Sequence[Asked]


def asked(tool: str, /, **arguments: Any) -> Asked:
    """Return a call whose arguments are valid JSON."""
    return Asked(tool, json.dumps(arguments))


class Dialect(Protocol):
    """A provider's protocol."""

    route: str

    def refusal(self, body: Json) -> str | None:
        """Return what is wrong with a request."""

    def error(self, text: str) -> Json:
        """Return the body of a refusal."""

    def answers(self, body: Json) -> list[Seen]:
        """Return the answers to calls in a request."""

    def whole(self, text: str, calls: Sequence[Call]) -> Json:
        """Return the body of an answer."""

    def events(self, text: str, calls: Sequence[Call]) -> Iterator[tuple[str, Json]]:
        """Yield the names and data of the events that stream the same answer."""


class Provider:
    """Serves a script in one dialect while its `with` block lasts.

    Attributes:
        refused: Why requests were refused.
        bodies: The bodies of the requests.
    """

    def __init__(self, dialect: Dialect, script: Sequence[Move]) -> None:
        self.refused: list[str] = []
        self.bodies: list[Json] = []
        self._dialect = dialect
        self._moves = iter(script)
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._server = FaultyServer({dialect.route: self._reply})

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        """The URL of the server."""
        return self._server.url

    def answers_seen(self) -> list[Seen]:
        """Return the answers in the last request."""
        return self._dialect.answers(self.bodies[-1])

    def _reply(self, request: Request) -> Reply:
        body = request.json()
        why = self._dialect.refusal(body)
        with self._lock:
            self.bodies.append(body)
            if why is not None:
                self.refused.append(why)
                return Reply(400, self._dialect.error(why))
            text, calls = self._said(next(self._moves))
        if body.get("stream"):
            return _streamed(self._dialect.events(text, calls))
        return Reply(200, self._dialect.whole(text, calls))

    def _said(self, move: Move) -> tuple[str, list[Call]]:
        if isinstance(move, str):
            return move, []
        return "", [Call(f"call_{next(self._numbers)}", each.tool, each.arguments) for each in move]


def _streamed(events: Iterator[tuple[str, Json]]) -> Reply:
    lines = [(f"event: {name}\n" if name else "") + f"data: {json.dumps(data)}\n\n" for name, data in events]
    if not lines[-1].startswith("event: "):
        lines.append("data: [DONE]\n\n")  # ends a stream whose events have no names
    return Reply(200, "".join(lines), {"Content-Type": "text/event-stream"})


def pieces(text: str) -> list[str]:
    """Return `text` in pieces, as a stream delivers it."""
    return [text[at : at + 5] for at in range(0, len(text), 5)]


def repeated(ids: Sequence[str]) -> list[str]:
    """Return the duplicates in `ids`."""
    return [each for number, each in enumerate(ids) if each in ids[:number]]
