"""Runs the benchmarks named on the command line, or all but the slow one (`instructions`)."""

import sys
from importlib import import_module

NAMES = ("overhead", "recorded", "peers", "middleware", "growth", "memory", "imports", "scrubbing", "waits", "store")

for name in sys.argv[1:] or NAMES:
    del sys.argv[1:]
    print(f"\n## {name}\n", flush=True)
    import_module(f"tests.benchmarks.{name}").main()
