"""Folders kept by content. See docs/trees.md."""
