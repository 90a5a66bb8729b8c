"""Harness projects without a model: a program proposes, a function grades. See docs/harness-search.md."""
