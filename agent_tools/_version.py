"""The version of the installed distribution."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("langgraph-agent-tools")
except PackageNotFoundError:  # the source alone, on the path
    __version__ = "0+unknown"
