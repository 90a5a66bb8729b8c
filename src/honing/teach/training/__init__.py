"""Phase 2 in parts: which runs there are, training one of them, and the check that nothing leaked."""
