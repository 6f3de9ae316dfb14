"""Doing what comes next: attempts, waits, time limits. No framework."""
