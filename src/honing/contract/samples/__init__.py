"""Samples: one prompt, completion and reward each; files of them, and the target's own results joined."""
