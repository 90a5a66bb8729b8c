"""Every attack."""

from __future__ import annotations

from redteam_formats import FORMATS
from redteam_machine import AROUND, PROCESSES, SECRETS
from redteam_reward import NUMBERS, REWARD

ATTACKS = (*REWARD, *NUMBERS, *FORMATS, *PROCESSES, *SECRETS, *AROUND)
BY_NAME = {attack.name: attack for attack in ATTACKS}
