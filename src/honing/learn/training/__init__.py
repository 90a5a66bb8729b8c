"""Training of a student: LoRA by supervised examples or by preference pairs."""
