"""The parts that `optimize` is made of. See docs/harness.md."""
