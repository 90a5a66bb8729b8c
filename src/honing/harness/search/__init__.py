"""Rules that choose what the next proposal starts from. See docs/harness-search.md."""
