"""The code blocks of README and docs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^ *```", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"<!-- not run: .+? -->\s*\Z")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of code, and the output that the block of text below it shows."""

    page: Path
    line: int
    language: str
    code: str
    prints: str | None
    is_run: bool

    @property
    def name(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(language: str) -> list[Block]:
    """Return all blocks in this language, page by page."""
    return [block for page in PAGES for block in blocks_of(page) if block.language == language]


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    found = list(_FENCE.finditer(text))
    for fence, below in zip(found, [*found[1:], None], strict=False):
        yield Block(
            page=page,
            line=text.count("\n", 0, fence.start()) + 2,
            language=fence["language"],
            code=re.sub(rf"^{fence['indent']}", "", fence["code"], flags=re.MULTILINE),
            prints=below["code"] if below and below["language"] == "text" else None,
            is_run=NOT_RUN.search(text[: fence.start()]) is None,
        )
