"""The closed loop: measure, rewrite the harness, teach the weights, measure again on tasks never seen.

Start reading in `loop.py`; see docs/improve.md.
"""
