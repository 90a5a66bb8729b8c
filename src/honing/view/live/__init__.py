"""The live page: all runs of a folder, watched, compared, stopped and resumed in this machine's browser."""

from honing.view.live.actions import Actions, Compare
from honing.view.live.details import RESUMED
from honing.view.live.server import LiveOptions, serve

__all__ = ["RESUMED", "Actions", "Compare", "LiveOptions", "serve"]
