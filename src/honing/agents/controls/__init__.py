"""Agents that ask no model: they play a script, or stand at the ends of the scale. See docs/agents.md."""
