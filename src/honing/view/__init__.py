"""A run's page, one self-contained HTML file from plain data; and the live page over all runs."""

from __future__ import annotations

from honing.view.bare import bare_page
from honing.view.live import RESUMED, Actions, LiveOptions, serve
from honing.view.page import render

__all__ = ["RESUMED", "Actions", "LiveOptions", "bare_page", "render", "serve"]
