"""Which moments of which episodes become snapshots; `mine.py` beside this package is the phase."""
