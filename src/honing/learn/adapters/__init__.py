"""Many LoRA adapters of one base at a time: trained in one pass, asked in one batch."""
