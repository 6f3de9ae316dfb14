"""Tests with the oldest and newest supported versions: `make versions`, or `python -m tests.versions`."""
