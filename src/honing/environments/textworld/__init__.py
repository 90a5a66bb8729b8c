"""Games of TextWorld: its maker draws them, its logic or an interpreter plays them. See
docs/environments.md."""

from honing.environments.textworld.options import TextWorldOptions
from honing.environments.textworld.world import TextWorldWorld

__all__ = ["TextWorldOptions", "TextWorldWorld"]
