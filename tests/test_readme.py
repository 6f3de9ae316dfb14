"""The README is true: its code runs, what it shows is what comes out, its tables are the defaults."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from agent_tools import RetryPolicy

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_its_code_runs_from_top_to_bottom_and_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {"__name__": "readme"}
    printed = ""
    try:
        for language, block in BLOCKS:
            if language == "python":
                exec(compile(block, str(README), "exec"), namespace)  # noqa: S102  # our own README
                printed = capsys.readouterr().out
            if language == "text":
                assert printed == block
    finally:
        namespace["shop"].stop()  # type: ignore[attr-defined]  # a FaultyServer of the first block


def test_its_table_of_defaults_is_the_policy() -> None:
    for field in fields(RetryPolicy):
        row = re.search(rf"^\| `{field.name}` \| ([^|]+) \|", TEXT, re.MULTILINE)
        assert row is not None, field.name
        default = field.default if field.name != "retry_on" else "{"
        assert str(default) in row[1].replace('"', "")
