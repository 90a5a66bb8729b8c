"""What all tests share: `make test` draws the same examples each time, `make test-all` new ones."""

from __future__ import annotations

import signal

from hypothesis import settings

from browser import chromium_page, chromium_session, complaints

__all__ = ["chromium_page", "chromium_session", "complaints"]
"""Fixtures of every folder of tests."""

settings.register_profile("steady", derandomize=True)


def pytest_configure() -> None:
    # A suite started in the background of a script has Ctrl-C switched off, and what it starts inherits that:
    # a program would then outlive the Ctrl-C that a test presses (test_ctrl_c_exits_130_...).
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
