"""What all tests share: `make test` draws the same examples each time, `make test-all` new ones."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("steady", derandomize=True)
