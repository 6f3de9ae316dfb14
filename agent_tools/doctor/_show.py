"""The doctor's report in a terminal with colors. The only module here that needs `rich`."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent_tools.doctor._checkup import HEAD, Checkup


def show(checkup: Checkup, console: Console | None = None) -> None:
    """Draw facts and findings."""
    console = console or Console(highlight=False)
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in HEAD:
        table.add_column(name)
    for row in checkup.rows():
        table.add_row(*[Text(cell, "yellow" if cell in ("no limit", "yes, undeclared") else "") for cell in row])
    console.print(table, "")
    for finding in checkup.findings:
        console.print(Text.assemble(("✗ ", "red"), str(finding)))
    console.print(Text(checkup.summary(), "bold red" if checkup.findings else "bold green"))
