"""Keys by which a service recognizes a call that it has already carried out.

A key must be the same for all attempts of a call, also in another process after a crash, and different for
any other call. So it is made of where the call stands and what it asks, not of its id: some providers give
all calls of a message one id, or number the calls of each turn from one.
"""

import hashlib
import json
from contextlib import suppress
from typing import Any


def key_of_call(*, thread: str, message: str, place: str, tool: str, arguments: dict[str, Any]) -> str:
    """Return the key of one tool call: 32 hexadecimal digits.

    Args:
        thread: Id of the conversation.
        message: Id of the AI message that makes the call.
        place: Which call of this message it is.
        tool: Name of the tool.
        arguments: As the model gave them.
    """
    return _digest("call", thread, message, place, tool, canonical(arguments))


def key_of_arguments(*, thread: str, tool: str, arguments: dict[str, Any]) -> str:
    """Return the key of all calls in a thread that ask the same of the same tool: 32 hexadecimal digits."""
    return _digest("arguments", thread, tool, canonical(arguments))


def key_of_request(call: str, *, method: str, target: str, body: str | None, ordinal: int) -> str:
    """Return the key of one request of a call: 32 hexadecimal digits.

    Args:
        call: Key of the call.
        method: Of the request.
        target: Its path and query. Its host is no part of the key, so a second host of a service knows it, too.
        body: A digest; None for a body that cannot be read before it is sent.
        ordinal: For which time the attempt sends such a request, from 1 on.
    """
    return _digest("request", call, method, target, body or "", str(ordinal))


def canonical(arguments: dict[str, Any]) -> str:
    """Return the same text for arguments that are the same, in whatever order the model wrote them."""
    with suppress(Exception):  # keys of several types, a dict that holds itself, a value that cannot be printed
        return json.dumps(arguments, sort_keys=True, default=str)
    with suppress(Exception):
        return repr(arguments)
    return f"of {len(arguments)} arguments"


def _digest(*parts: str) -> str:
    # JSON keeps ("a", "bc") and ("ab", "c") apart, which joining would not.
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
