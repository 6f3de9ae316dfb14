"""README and docs are correct: each block runs alone and prints the shown output, and tables match the defaults."""

import linecache
import re
import tomllib
from dataclasses import fields
from inspect import signature
from typing import Any

import mcp.client.stdio  # noqa: F401 -- keeps the stderr of its import for child processes; that of capsys is no file
import pytest

from agent_tools import (
    BudgetPolicy,
    CircuitPolicy,
    ErrorCategory,
    Failure,
    LoopGuard,
    ResilientToolNode,
    RetryPolicy,
    ToolErrorHandler,
)
from agent_tools._core.answer import render, render_bad_arguments
from agent_tools._core.outcome import Outcome
from agent_tools._core.reason import Reason
from tests.docs.blocks import PAGES, ROOT, Block, blocks

TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
README = (ROOT / "README.md").read_text(encoding="utf-8")
RAISES = re.compile(r"# raises (?:\w+\.)*(\w+)")


@pytest.mark.parametrize("block", [pytest.param(block, id=block.name) for block in blocks("python") if block.is_run])
def test_each_block_runs_alone_and_prints_what_it_shows(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    raised = "None"
    linecache.cache[block.name] = (
        len(block.code),
        None,
        block.code.splitlines(keepends=True),
        block.name,
    )  # for inspect
    try:
        exec(compile(block.code, block.name, "exec"), {"__name__": "docs"})  # noqa: S102 -- our own pages
    except Exception as error:
        if not RAISES.search(block.code):
            raise
        raised = type(error).__name__
    expected = RAISES.search(block.code)
    assert raised == (expected[1] if expected else "None")
    if block.prints is not None:
        assert capsys.readouterr().out == block.prints


def test_the_readme_is_one_page() -> None:
    assert len(README.splitlines()) <= 200


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_files_that_a_page_links_to_exist(page: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text(encoding="utf-8")):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_the_index_of_packages_gets_absolute_links() -> None:
    """It shows the README without the files beside it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shown = README
    for rule in project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        shown = re.sub(rule["pattern"], rule["replacement"], shown)

    assert re.findall(r"\]\((?!https://)[^)]+\)", shown) == []
    assert project["project"]["urls"]["Source"] + "/blob/main/docs/outages.md" in shown
    assert re.search(r"!\[[^]]+\]\(https://raw\.githubusercontent\.com/[^)]+/main/docs/pictures/outages\.png\)", shown)


def _outcome(category: str, *, attempts: int = 1, elapsed: float = 0.1, **failure: Any) -> Outcome:
    return Outcome(
        tool="lookup",
        failure=Failure(category=ErrorCategory(category), **failure),
        attempts=attempts,
        elapsed=elapsed,
        reason=Reason.NOT_RETRIED,
        idempotent=True,
    )


@pytest.mark.parametrize(
    "text",
    [
        render(_outcome("retryable", status_code=503, attempts=3, elapsed=2.1)),
        render(_outcome("auth_failure", status_code=403)),
        render(_outcome("timeout", elapsed=5.0)),
        render(_outcome("network", may_have_acted=False)),
        render(_outcome("non_retryable", status_code=404)),
        render_bad_arguments("lookup", ["order_id: Field required"]),
        render(_outcome("non_retryable")),
    ],
    ids=["retryable", "auth", "timeout", "network", "not found", "arguments", "bug"],
)
def test_what_the_model_reads_is_what_the_table_says(text: str) -> None:
    assert f"| {text.replace('`', '')} |" in TEXT.replace("`", "")


def test_its_table_of_defaults_is_the_policy() -> None:
    for field in (field for field in fields(RetryPolicy) if field.init):
        row = re.search(rf"^\| `{field.name}` \| ([^|]+) \|", TEXT, re.MULTILINE)
        assert row is not None, field.name
        default = {"retry_on": "{", "classify": "none"}.get(field.name, field.default)
        assert str(default) in row[1].replace('"', "")


def test_its_table_of_arguments_is_that_of_the_node() -> None:
    table = TEXT.partition("| argument of `ResilientToolNode` |")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in table.splitlines()[2:]))

    assert sorted(named) == sorted(set(signature(ResilientToolNode).parameters) - {"tools"})
    handlers = signature(ToolErrorHandler).parameters
    assert handlers["budget"].default == BudgetPolicy()
    assert handlers["circuit"].default == CircuitPolicy()
    assert handlers["loop_guard"].default == LoopGuard()


def test_its_numbers_of_budget_circuit_and_loop_guard_are_the_defaults() -> None:
    budget, circuit, guard = BudgetPolicy(), CircuitPolicy(), LoopGuard()

    assert (
        f"| {budget.tokens} tokens; a retry takes {budget.transient_cost}, after a 429 {budget.throttled_cost}; "
        f"a success brings {budget.success_gain}, one after a retry what that took; "
        f"no retries while more than {budget.max_failing:.0%} of the latest attempts fail |".replace("%", " %")
    ) in TEXT
    assert (
        f"| opens after {circuit.failures} failures in a row, or 2 over {circuit.failing_for:g} s; "
        f"probes each {circuit.probe_after:g} s, "
        f"later each {circuit.probe_share:.1%} of the outage, up to {circuit.max_probe_after:g} s; "
        f"patience {circuit.patience:g} s |"
    ) in TEXT.replace(" %", "%")
    assert (
        f"| {guard.same_call} same failures of the same call, {guard.same_tool} messages in a row in which the service "
        f"is down, {guard.corrections} in which the model may correct it, 1 refusal of credentials, in one turn |"
    ) in TEXT
    assert guard.auth_failure
