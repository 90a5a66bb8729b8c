"""Ways to choose what a student is taught, one file each. `teach/selection.py` is the phase."""
