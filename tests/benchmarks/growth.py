"""Does a call cost more with many tools registered, or with a long history in the state?

Compared with `ToolNode` at the same size, so that only the difference counts.
"""

from tests.benchmarks.overhead import ratio


def main() -> None:
    """Print a row per size."""
    print("| tools | messages | ours / bare |")
    print("| --- | --- | --- |")
    for tools, history in ((1, 0), (1_000, 0), (1, 100_000)):
        _, times = ratio(calls=16, is_async=True, fails=False, tools=tools, history=history)
        print(f"| {tools:,} | {history:,} | {times:.3f} |", flush=True)


if __name__ == "__main__":
    main()
