"""Tracebacks for the log: all frames, but no secrets."""

from collections.abc import Callable

from agent_tools._core.redaction import scrub

#: How many levels of causes are shown.
_DEEPEST = 10


def without_secrets(error: BaseException, *, has_text: bool = True) -> BaseException:
    """Return an error that prints like `error`, with its causes and groups, but with scrubbed texts.

    Without `has_text` it prints only types.
    """
    return _copy(error, _scrubbed if has_text else _nothing, _DEEPEST)


def _copy(error: BaseException, words: Callable[[BaseException], str], depth: int) -> BaseException:
    copied = _named_like(error, words, depth).with_traceback(error.__traceback__)
    if depth > 0:
        for name in ("__cause__", "__context__"):
            behind = getattr(error, name)
            setattr(copied, name, None if behind is None else _copy(behind, words, depth - 1))
    copied.__suppress_context__ = error.__suppress_context__
    return copied


def _named_like(error: BaseException, words: Callable[[BaseException], str], depth: int) -> BaseException:
    kind, names = type(error), {"__module__": type(error).__module__, "__qualname__": type(error).__qualname__}
    if isinstance(error, BaseExceptionGroup) and depth > 0:
        inside = [_copy(each, words, depth - 1) for each in error.exceptions]
        group: BaseException = type(kind.__name__, (BaseExceptionGroup,), names)(words(error), inside)
        return group
    plain: BaseException = type(kind.__name__, (Exception,), names)(words(error))
    return plain


def _scrubbed(error: BaseException) -> str:
    try:
        return scrub(str(error))
    except Exception:  # noqa: BLE001  # an error that cannot be printed
        return ""


def _nothing(_error: BaseException) -> str:
    return ""
