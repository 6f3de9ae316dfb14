"""Whether an exit was requested by a signal, or by a tool."""

import signal


def is_of_signal(error: BaseException) -> bool:
    """Return whether `error` was raised by a signal handler, such as one for SIGTERM, and not by a tool."""
    handlers = {_code_of(signal.getsignal(each)) for each in signal.valid_signals()} - {None}
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code in handlers:
            return True
        step = step.tb_next
    return False


def _code_of(handler: object) -> object:
    return getattr(getattr(handler, "__func__", handler), "__code__", None)
