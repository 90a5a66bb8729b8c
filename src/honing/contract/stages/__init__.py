"""Commands of a target: where they run, what they may use, what went wrong."""
