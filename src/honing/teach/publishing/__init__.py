"""What a study leaves for readers: figures, tables and the page of its run, from its artifacts alone."""
