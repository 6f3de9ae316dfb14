"""What `import agent_tools` and its node add to `import langgraph.prebuilt`, in CPU milliseconds."""

import statistics
import subprocess
import sys

BEFORE = "import langgraph.prebuilt, time; started = time.process_time()"
AFTER = "print((time.process_time() - started) * 1000)"
STATEMENTS = {
    "import agent_tools": "import agent_tools",
    "from agent_tools import ResilientToolNode": "from agent_tools import ResilientToolNode",
    "import langchain.agents": "import langchain.agents",
}
RUNS = 11


def added(statement: str) -> float:
    """Return the median of the CPU milliseconds that `statement` adds, over fresh processes."""
    code = f"{BEFORE}; {statement}; {AFTER}"
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True) for _ in range(RUNS)]
    return statistics.median(float(run.stdout) for run in runs)


def main() -> None:
    """Print a line per statement."""
    for name, statement in STATEMENTS.items():
        print(f"{name}: {added(statement):.1f} ms", flush=True)


if __name__ == "__main__":
    main()
