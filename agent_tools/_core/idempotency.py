"""Keys by which a service recognizes a call that it has already carried out.

A key must be the same for all attempts of a call, even in another process after a crash, and different for
any other call. So it is made from the call's place and arguments, not from its id: some providers give
all calls of a message the same id, or number the calls of each turn from one.
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
    """Return the key of all calls in a thread with the same tool and arguments: 32 hexadecimal digits."""
    return _digest("arguments", thread, tool, canonical(arguments))


def key_of_request(call: str, *, method: str, target: str, body: str | None, ordinal: int) -> str:
    """Return the key of one request of a call: 32 hexadecimal digits.

    Args:
        call: Key of the call.
        method: Of the request.
        target: Its path and query. The host is left out, so that a second host of a service sees the same key.
        body: A digest; None for a body that cannot be read before it is sent.
        ordinal: How many times the attempt has sent such a request, this one included.
    """
    return _digest("request", call, method, target, body or "", str(ordinal))


def canonical(arguments: dict[str, Any]) -> str:
    """Return the same text for the same arguments, in whatever order the model wrote them."""
    with suppress(Exception):  # keys of several types, a dict that holds itself, a value that cannot be printed
        return json.dumps(arguments, sort_keys=True, default=str)
    with suppress(Exception):
        return repr(arguments)
    return f"of {len(arguments)} arguments"


def _digest(*parts: str) -> str:
    # JSON keeps ("a", "bc") and ("ab", "c") apart, which joining would not.
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
