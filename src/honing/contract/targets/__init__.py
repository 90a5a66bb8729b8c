"""Where targets come from: a folder, an archive, git, PyPI, the Hugging Face hub. Enter by
`contract/target.py`."""
