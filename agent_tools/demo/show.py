"""The conversation as it happens, in a terminal. The only module that needs `rich`."""

import time
from collections.abc import Sequence
from typing import TextIO

from langchain_core.messages import ToolMessage
from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from agent_tools.demo.plain import summary
from agent_tools.demo.progress import Board, CallProgress, State
from agent_tools.demo.promises import Check
from agent_tools.demo.view import WIDTH, meets

MARK_BY_STATE = {
    State.OK: Text("✓", "green"),
    State.RECOVERED: Text("✓", "yellow"),
    State.FAILED: Text("✗", "red"),
    State.WAITING: Text("•", "yellow"),
}

STYLE_BY_STATE = {State.OK: "green", State.RECOVERED: "yellow", State.FAILED: "red", State.WAITING: "yellow"}

_BAR_WIDTH = 12


class LiveView:
    """Draws an animated line per running call. All text is `Text`, since `[email]` is not markup."""

    def __init__(self, output: TextIO) -> None:
        console = Console(file=output)
        self._console = Console(file=output, width=min(console.width, WIDTH), highlight=False)
        self._live: Live | None = None
        self._spinner = Spinner("dots", style="cyan")  # shared, so that all spin in step

    def note(self, text: str) -> None:
        """Draw what happens outside the conversation."""
        self._console.print(Text(text))

    def question(self, text: str) -> None:
        """Draw what the user asks."""
        self._speech("user", text, "blue")

    def calling(self, board: Board) -> None:
        """Start to draw the calls, over and over until they are answered."""
        is_wide = self._console.width >= WIDTH

        def picture() -> Table:
            return _table(board, self._spinner, is_wide=is_wide)

        self._live = Live(get_renderable=picture, console=self._console, refresh_per_second=15)
        self._live.start(refresh=True)

    def changed(self, call: CallProgress) -> None:
        """Do nothing: the next picture shows it."""

    def answered(self, board: Board, answers: Sequence[ToolMessage]) -> None:
        """Draw what the model reads, call by call."""
        self.close()
        self._heading("What the model reads")
        for answer in answers:
            call = board.by_id[answer.tool_call_id]
            self._console.print(Text.assemble(_mark(call), f"  {call.title}"))
            style = "" if answer.status == "error" else "dim"  # highlight what went wrong
            self._console.print(Padding(Text(answer.text, style), (0, 0, 0, 6)))
        self._console.print()

    def reply(self, text: str) -> None:
        """Draw the reply to the user."""
        self._speech("bot", text, "green")

    def broke(self, error: str) -> None:
        """Draw what ended the run."""
        self.close()
        self._console.print("", Text(f"The run broke: {error}", "bold red"), "")

    def checked(self, checks: Sequence[Check], *, seconds: float) -> None:
        """Draw the list of promises, and how many were kept."""
        table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
        for name in ("", "", "promised", "measured"):
            table.add_column(name, no_wrap=not name)
        for check in checks:
            mark = Text("✓", "green") if check.is_kept else Text("✗", "red")
            measured = Text(
                check.measured if check.is_kept else f"{check.measured} FAILED", "" if check.is_kept else "red"
            )
            table.add_row(mark, Text(check.subject), Text(check.promised, "dim"), measured)
        is_kept = all(check.is_kept for check in checks)
        last = Text(summary(checks, seconds=seconds), "bold green" if is_kept else "bold red")
        self._heading("Promised and measured")
        self._console.print(Group(table, "", last))

    def close(self) -> None:
        """Draw the last picture and restore the cursor."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _heading(self, text: str) -> None:
        self._console.print()
        self._console.print(Rule(Text(text, "bold"), style="dim", align="left"))
        self._console.print()

    def _speech(self, who: str, text: str, color: str) -> None:
        title = Text(who, f"bold {color}")
        self._console.print(Panel(Text(text), title=title, title_align="left", box=ROUNDED, border_style=color))
        self._console.print()


def _table(board: Board, spinner: Spinner, *, is_wide: bool) -> Table:
    """Return a row for each call, with what its service does beside it, or below where there is no room."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", width=1)
    table.add_column("call", no_wrap=True, min_width=24)
    if is_wide:
        table.add_column("its service", style="dim", no_wrap=True, min_width=33)
    table.add_column("tried", justify="right", min_width=5)
    table.add_column("outcome", no_wrap=True, width=29 if is_wide else 40)
    for call in board.calls:
        mark = spinner if call.state is State.RUNNING else _mark(call)
        service = Text(meets(call), "dim")
        title = Text(call.title) if is_wide else Text.assemble(call.title, "\n  ", service)
        beside = [service] if is_wide else []
        table.add_row(mark, title, *beside, str(call.attempts or ""), _outcome(call, is_wide=is_wide))
    return table


def _mark(call: CallProgress) -> Text:
    return MARK_BY_STATE.get(call.state, Text(" "))


def _outcome(call: CallProgress, *, is_wide: bool) -> RenderableType:
    if call.state is State.WAITING:
        return _countdown(call)
    if call.state is State.RECOVERED and not call.waits:
        return Text(f"{call.error}, but it happened", "yellow")
    if call.state is State.RECOVERED:
        return Text(f"recovered, waited {' + '.join(f'{wait:.1f}' for wait in call.waits)} s", "yellow")
    words = call.story if call.state is State.FAILED and not is_wide else call.error or str(call.state)
    return Text(words, STYLE_BY_STATE.get(call.state, "dim"))


def _countdown(call: CallProgress) -> Table:
    """Return a bar that fills up while the call waits, and the error that it waits for."""
    total = call.waits[-1]
    passed = min(time.monotonic() - call.waits_since, total)
    row = Table.grid(padding=(0, 1, 0, 0))
    bar = ProgressBar(total=total or 1.0, completed=passed, width=_BAR_WIDTH, complete_style="yellow")
    row.add_row(bar, Text(f"{total - passed:.1f} s", "yellow"), Text(f"HTTP {call.status_code}", "dim"))
    return row
