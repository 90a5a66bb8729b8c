"""A measured target as the subject of the closed loop: prompts are rewritten, a local model is taught."""
