"""New harness projects from a profile. See docs/harness-projects.md."""

from honing.harness.scaffold.profiles import PROFILES, Profile, write_scaffold
from honing.harness.scaffold.template import refuse_filled, write_project

__all__ = ["PROFILES", "Profile", "refuse_filled", "write_project", "write_scaffold"]
