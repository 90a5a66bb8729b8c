"""What a model is taught as text: prompts as it will be asked them, and their right completions."""
