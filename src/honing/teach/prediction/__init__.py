"""The teachability predictor's parts: embeddings, folds, heads, baselines, figures.
`teach/predictor.py` is the phase."""
