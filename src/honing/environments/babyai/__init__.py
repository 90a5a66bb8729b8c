"""BabyAI levels as text: primitive actions, or skills that a planner carries out. See
docs/environments.md."""

from honing.environments.babyai.world import BabyOptions, BabyWorld

__all__ = ["BabyOptions", "BabyWorld"]
