"""What a task asks and what the right answer is: tables, their shapes, prompts, variants of the gold."""
