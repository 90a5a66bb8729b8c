"""A model is trained segment by segment, and measured on the same tasks after each of them.

Start reading in `running.py`.
"""
