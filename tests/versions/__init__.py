"""The tests against the oldest and the newest versions we promise: `make versions`, or `python -m tests.versions`."""
