"""Phase 1B in parts: tiny trainings on single snapshots, and whether the patch test foretold their gains."""
