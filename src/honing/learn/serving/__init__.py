"""A local model behind a loopback address: loaded once, asked by many, run in batches."""
