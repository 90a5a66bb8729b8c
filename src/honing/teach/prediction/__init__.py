"""The teachability predictor's parts: embeddings, folds, heads, baselines, figures.
`teach/phases/predictor.py` is the phase."""
