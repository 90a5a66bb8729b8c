"""From what a target's own files say to a contract that can be run, without a model."""
