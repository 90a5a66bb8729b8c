"""Phase 3 in parts: who plays, on which panels, what comes of it, and the tables."""
