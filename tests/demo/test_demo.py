"""`python -m agent_tools.demo`, as users run it."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from agent_tools.demo import __main__ as demo
from agent_tools.demo import play
from agent_tools.demo.api import API_KEY, COLLEAGUE, INTERNAL_HOST, PROMISES
from agent_tools.demo.plain import PlainView
from agent_tools.demo.promises import Check
from agent_tools.demo.view import Screen
from agent_tools.testing import ScriptedChatModel, call, no_waiting
from tests.docs.blocks import blocks
from tests.support.toolbox import printed_by, untraced

ROOT = Path(__file__).parents[2]


def assert_kept_and_clean(output: str, promises: int = 16) -> None:
    assert f"{promises} of {promises} promises kept" in output
    assert "FAILED" not in output
    assert "Traceback" not in output
    for secret in (API_KEY, COLLEAGUE, INTERNAL_HOST, "127.0.0.1"):
        assert secret not in output


def assert_plain_and_kept(output: str, promises: int = 16) -> None:
    assert_kept_and_clean(output, promises)
    assert output.isascii()
    lines = words_of(output)
    for promise in PROMISES:
        assert any(line.startswith(f"{promise.tool} {promise.subject}") and line.endswith(" ok") for line in lines)
    assert max(map(len, output.splitlines())) <= 100


def test_piped_it_prints_plain_lines_and_keeps_its_promises() -> None:
    command = [sys.executable, "-m", "agent_tools.demo", "--quick"]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, encoding="utf-8", cwd=ROOT, env=untraced()
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].startswith("Its model is scripted")
    assert_plain_and_kept(done.stdout)


@pytest.mark.long
@pytest.mark.usefixtures("untraced_children")
def test_killed_it_keeps_all_its_promises_and_prints_what_the_readme_shows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # the workers of pytest-xdist have one
    assert demo.main([]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert_plain_and_kept(printed.out, 18)
    assert_refunded_once_although_killed([line.strip() for line in printed.out.splitlines()])
    (shown,) = (block.code for block in blocks("demo"))
    assert words_of(shown) <= words_of(printed.out)


def words_of(text: str) -> set[str]:
    return {" ".join(line.split()) for line in text.splitlines()}


def assert_refunded_once_although_killed(lines: list[str]) -> None:
    second_act = lines[lines.index("Now the process of the bot is killed in the middle of a message.") :]
    killed = next(place for place, line in enumerate(second_act) if line.startswith("kill -9"))
    assert "refund_order: success" in second_act[:killed]
    assert "refund_order: success, as recorded: it is not run again" in second_act[killed:]
    assert "get_order: success" in second_act[killed:]
    assert "bot:  Your 15 euros were paid back. Order A-1100 was sent." in second_act


def test_with_an_agent_of_langchain_it_keeps_its_promises_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--quick", "--agent", "create_agent"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert_plain_and_kept(printed.out)


def test_it_begins_to_print_before_it_loads_what_takes_time() -> None:
    loaded = printed_by("import sys, agent_tools.demo.__main__; print(*sys.modules)").split()

    assert not {"langgraph", "langchain_core", "httpx", "rich", "pydantic"} & set(loaded)


def test_plain_lines_are_to_be_had_in_a_terminal_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = _Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", terminal)

    assert demo.main(["--plain", "--quick"]) == 0
    assert capsys.readouterr().err == ""
    assert_plain_and_kept(terminal.getvalue())


def test_plain_lines_are_no_wider_than_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    output = StringIO()
    view = PlainView(output)
    view.note("Now the process of the bot is killed in the middle of a message.\n")
    view.question("Where is my order A-1042? The kettle is broken, so I want my 49 euros back.")
    checks = [
        Check(subject="get_order A-1042", promised="3 requests, retryable", measured="3 requests", is_kept=True)
    ] * 2
    view.checked(checks, seconds=1)

    assert max(map(len, output.getvalue().splitlines())) <= 50
    assert (
        output.getvalue().count("get_order A-1042: ok\n    promised: 3 requests, retryable\n    measured: 3 requests\n")
        == 2
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
@pytest.mark.parametrize("columns", ["80", "100"])
def test_in_a_terminal_the_calls_are_drawn_live(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import pty  # noqa: PLC0415 - not everywhere

    for name, value in {"TERM": "xterm-256color", "COLUMNS": columns, "LINES": "50"}.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with ThreadPoolExecutor(1) as reader:
        output = reader.submit(_read_all, ours)
        with os.fdopen(theirs, "w", encoding="utf-8") as terminal, redirect_stdout(terminal), redirect_stderr(terminal):
            assert demo.main(["--quick"]) == 0

    assert_kept_and_clean(output.result())
    for shown in (
        "━",  # a wait, drawn as a bar
        "recovered, waited",
        "refuses the connection",
        "422 with a problem document",
        "auth_failure, HTTP 401",
    ):
        assert shown in output.result()


def _read_all(terminal: int) -> str:
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # raised by Linux when the other side is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(terminal)
    return b"".join(pieces).decode()


def test_without_rich_it_prints_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.delitem(sys.modules, "agent_tools.demo.show", raising=False)

    assert isinstance(play._view(Screen(_Terminal()), is_plain=False), PlainView)


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def checked_run(model: ScriptedChatModel, *, is_scripted: bool) -> tuple[int, str]:
    output = StringIO()
    screen = Screen(output)
    with no_waiting():
        code = play._run(model, PlainView(screen), screen, is_scripted=is_scripted, is_quick=True)
    return code, output.getvalue()


def test_a_model_that_does_not_keep_to_the_script_makes_it_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    code, output = checked_run(ScriptedChatModel(["Hello.", "Bye."]), is_scripted=True)

    assert code == 1
    assert "get_order A-1042          3 requests, retryable, recovered  0 calls" in output
    assert "FAILED" in output


def test_of_a_real_model_only_what_holds_for_all_models_is_demanded() -> None:
    model = ScriptedChatModel(
        [call("get_customer", customer="C-88"), call("get_customer", customer="nobody"), "Sorry.", "Bye."]
    )

    code, output = checked_run(model, is_scripted=False)

    assert code == 0
    assert "3 of 3 promises kept" in output
    assert "2 calls, 2 answers" in output


def test_a_run_that_breaks_is_told_and_fails() -> None:
    code, output = checked_run(ScriptedChatModel([call("get_customer", customer="C-88")]), is_scripted=False)

    assert code == 1
    assert "The run broke: RuntimeError" in output
    assert "0 replies" in output


def test_a_model_whose_package_is_missing_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "langchain_openai", None)

    assert demo.main(["--model", "openai:gpt-5-mini"]) == 2
    assert capsys.readouterr() == (
        "",
        "'openai:gpt-5-mini' needs the package of its provider: pip install langchain-openai\n",
    )


def test_without_langchain_a_real_model_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "langchain"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "langchain", None)

    assert demo.main(["--model", "openai:gpt-5-mini"]) == 2
    assert "pip install 'langgraph-agent-tools[langchain]'" in capsys.readouterr().err


def test_without_langchain_its_agent_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "langchain.agents.middleware", None)
    for name in ("agent_tools.middleware", "agent_tools.demo.agent"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    assert demo.main(["--agent", "create_agent"]) == 2
    assert "pip install 'langgraph-agent-tools[langchain]'" in capsys.readouterr().err


def test_a_name_that_no_provider_has_is_refused_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--model", "nonsense"]) == 2
    assert "write provider:name" in capsys.readouterr().err
