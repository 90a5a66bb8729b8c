"""A finished run, handed on: to experiment trackers, and as a folder of a trained model.

`reading.py` says what a run is to others, `secrets.py` what must not go along, `trackers/` who is told, and
`model_folder/` what is shipped. See docs/exports.md.
"""
