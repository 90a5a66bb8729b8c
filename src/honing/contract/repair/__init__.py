"""Scaffolding and repairing contracts with a coding agent; every patch passes gates, and calibration judges.

Start reading in `loop.py`. See docs/repair.md.
"""
