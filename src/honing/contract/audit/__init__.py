"""Whether a number means what it says: causal rules, provenance, and probes that try to cheat."""
