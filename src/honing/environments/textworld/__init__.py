"""Games of TextWorld: its maker draws them, its logic or an interpreter plays them. See
docs/environments.md."""

from honing.environments.textworld.world import TextWorldOptions, TextWorldWorld

__all__ = ["TextWorldOptions", "TextWorldWorld"]
