"""Readers of the kinds of files that name commands: each gives the blocks of one file."""
