"""What a study's artifacts say: hypotheses H1 to H7 and the claims, each with its numbers."""
