"""Ways to choose what a student is taught, one file each. `teach/phases/selection.py` is the phase."""
