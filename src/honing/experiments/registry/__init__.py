"""The registry of experiments: rows of experiments.yaml, run to evidence, judged again whenever shown.

Start reading in `running.py`; the language of done signals is in `expression.py` and `judging.py`.
"""
