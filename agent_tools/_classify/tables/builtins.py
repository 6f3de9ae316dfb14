"""Python itself: builtin and standard-library exceptions with a clear meaning.

A `ValueError` or `KeyError` is about this program even when it was raised from a 503: its author, or a bug,
reports something new. `Exception`, `RuntimeError` and an `OSError` without a number mean nothing by themselves,
so the error they were raised from decides.
"""

import errno

from agent_tools._classify.reading import number
from agent_tools._classify.subject import Subject
from agent_tools._classify.tables.row import (
    BROKEN,
    BUG,
    LATE,
    NOT_NOW,
    PERMANENT,
    UNREACHED,
    Row,
    spread,
)

ROW_BY_BUILTIN = spread(
    {
        BUG: (
            "builtins.ArithmeticError",
            "builtins.AssertionError",
            "builtins.AttributeError",
            "builtins.BufferError",
            "builtins.ImportError",
            "builtins.LookupError",
            "builtins.MemoryError",
            "builtins.NameError",
            "builtins.NotImplementedError",
            "builtins.RecursionError",
            "builtins.StopAsyncIteration",
            "builtins.StopIteration",
            "builtins.SyntaxError",
            "builtins.SystemError",
            "builtins.TypeError",
            "builtins.ValueError",
            "builtins.Warning",
        ),
        PERMANENT: (
            "builtins.FileExistsError",
            "builtins.FileNotFoundError",
            "builtins.IsADirectoryError",
            "builtins.NotADirectoryError",
            "builtins.PermissionError",
            "http.CannotSendRequest",
            "http.ImproperConnectionState",
            "http.InvalidURL",
            "subprocess.CalledProcessError",
        ),
        LATE: ("builtins.TimeoutError", "subprocess.TimeoutExpired"),
        UNREACHED: (
            "builtins.ConnectionRefusedError",
            "socket.gaierror",
            "socket.herror",
            "ssl.SSLCertVerificationError",
        ),
        BROKEN: (
            "asyncio.IncompleteReadError",
            "builtins.ConnectionError",
            "http.BadStatusLine",
            "http.IncompleteRead",
            "http.RemoteDisconnected",
            "imaplib.abort",
            "smtplib.SMTPServerDisconnected",
            "ssl.SSLError",
            "urllib.ContentTooShortError",
        ),
    }
)

ROW_BY_ERRNO = spread(
    {
        UNREACHED: (
            errno.EADDRNOTAVAIL,
            errno.ECONNREFUSED,
            errno.EHOSTDOWN,
            errno.EHOSTUNREACH,
            errno.ENETDOWN,
            errno.ENETUNREACH,
        ),
        BROKEN: (errno.ECONNABORTED, errno.ECONNRESET, errno.ENETRESET, errno.ENOTCONN, errno.EPIPE, errno.ESHUTDOWN),
        LATE: (errno.ETIMEDOUT,),
        NOT_NOW: (errno.EAGAIN,),
    }
)
"""Every other number of an `OSError` is a local problem: NON_RETRYABLE."""


def row_by_errno(subject: Subject) -> Row | None:
    """Return what the number of an `OSError` says, or None when the error is of another type or has no number."""
    if "builtins.OSError" not in subject.kind.names:
        return None
    code = number(subject.read("errno"))
    if code is None:
        return None
    return ROW_BY_ERRNO.get(code, PERMANENT).named(f"errno {errno.errorcode.get(code, code)}")
