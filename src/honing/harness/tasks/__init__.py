"""Judges of a harness. See docs/harness-tasks.md."""
