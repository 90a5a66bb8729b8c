"""Teaching the weights: an agent's failures are mined, labelled for teachability, and used to fine-tune it.
Start reading in `study.py`; see docs/teach.md.

Names load on first use, so importing this package costs next to nothing.
"""
