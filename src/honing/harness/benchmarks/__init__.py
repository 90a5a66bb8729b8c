"""Benchmark projects of our own, shipped as data. See docs/harness-projects.md."""
