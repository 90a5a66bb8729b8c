"""Rewriting a harness: coding agents edit the files around an agent, candidates are judged where they cannot
cheat, and only gains that hold are kept. Start reading in `optimize.py`; see docs/harness.md.
"""
