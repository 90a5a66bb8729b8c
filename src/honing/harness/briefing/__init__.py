"""What a proposer is shown: the brief as text, the history as a folder, notes in the workspace.

See docs/harness-briefing.md.
"""

from honing.harness.briefing.base import Brief
from honing.harness.briefing.compose import Briefing
from honing.harness.briefing.placing import Taken, place, take
from honing.harness.briefing.surroundings import surroundings_of

__all__ = ["Brief", "Briefing", "Taken", "place", "surroundings_of", "take"]
