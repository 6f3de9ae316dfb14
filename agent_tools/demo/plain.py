"""The conversation line by line, for pipes, logs and terminals without `rich`."""

import shutil
import textwrap
import time
from collections.abc import Sequence
from typing import TextIO

from langchain_core.messages import ToolMessage

from agent_tools.demo.progress import Board, CallProgress
from agent_tools.demo.promises import Check
from agent_tools.demo.view import WIDTH, meets


class PlainView:
    """Prints each thing as it happens; ASCII only, no line moves."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._width = min(WIDTH, shutil.get_terminal_size((WIDTH, 0)).columns)  # COLUMNS, where output is piped
        self._began = 0.0

    def note(self, text: str) -> None:
        """Print what happens outside the conversation."""
        for line in text.split("\n"):
            self._wrapped(line, indent="")

    def question(self, text: str) -> None:
        """Print what the user asks."""
        self._speech("user", text)

    def calling(self, board: Board) -> None:
        """Print how many calls start."""
        self._began = time.monotonic()
        count = len(board.calls)
        self._line(f"The bot makes {count} calls at once." if count > 1 else "The bot makes a call.")

    def changed(self, call: CallProgress) -> None:
        """Print what happened, and when."""
        began = f"  {time.monotonic() - self._began:5.2f} s  {call.title:<25}"
        self._wrapped(call.story, first=began, indent=" " * len(began))

    def answered(self, board: Board, answers: Sequence[ToolMessage]) -> None:
        """Print what the model reads, call by call."""
        self._line("\nWhat the model reads:")
        for answer in answers:
            call = board.by_id[answer.tool_call_id]
            self._wrapped(f"{call.title:<25}{_remark(call)}".rstrip(), indent="  ")
            self._wrapped(answer.text, indent="      ")
        self._line()

    def reply(self, text: str) -> None:
        """Print the reply to the user."""
        self._speech("bot", text)

    def broke(self, error: str) -> None:
        """Print what ended the run."""
        self._line(f"\nThe run broke: {error}\n")

    def checked(self, checks: Sequence[Check], *, seconds: float) -> None:
        """Print the list of promises, and how many were kept."""
        columns = [max(len(check.subject) for check in checks), max(len(check.promised) for check in checks)]
        rows = [
            (f"{check.subject:<{columns[0]}}  {check.promised:<{columns[1]}}  {check.measured}", check)
            for check in checks
        ]
        if max(len(line) for line, _ in rows) > self._width - 8:
            self._stacked(checks)
        else:
            self._line(f"{'':<{columns[0]}}  {'promised':<{columns[1]}}  measured")
            for line, check in rows:
                self._line(f"{line:<{self._width - 8}}  {_word(check)}")
        self._line(f"\n{summary(checks, seconds=seconds)}")

    def _stacked(self, checks: Sequence[Check]) -> None:
        for check in checks:
            self._line(f"{check.subject}: {_word(check)}")
            self._wrapped(check.promised, first="    promised: ", indent=" " * 14)
            self._wrapped(check.measured, first="    measured: ", indent=" " * 14)

    def close(self) -> None:
        """Do nothing: no line has moved."""

    def _speech(self, who: str, text: str) -> None:
        self._wrapped(text, indent=" " * 6, first=f"{who + ':':<6}")
        self._line()

    def _wrapped(self, text: str, *, indent: str, first: str | None = None) -> None:
        first = indent if first is None else first
        self._line(
            textwrap.fill(text, self._width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
        )

    def _line(self, text: str = "") -> None:
        print(text, file=self._output, flush=True)


def _word(check: Check) -> str:
    return "ok" if check.is_kept else "FAILED"


def _remark(call: CallProgress) -> str:
    """Return in brackets what the service of `call` did; empty when it just worked or is unknown."""
    return f"(its service: {meets(call)})" if meets(call) else ""


def summary(checks: Sequence[Check], *, seconds: float) -> str:
    """Return the last line of all."""
    kept = sum(check.is_kept for check in checks)
    return f"{kept} of {len(checks)} promises kept, in {seconds:.1f} s."
