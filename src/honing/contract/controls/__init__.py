"""Answers whose score is known beforehand, and what they say of a contract."""
