"""Matrices: the same experiment for every combination of its axes, several trials each.

Start reading in `running.py`; see docs/matrix.md.
"""
