"""The page's own files (HTML, CSS, JS), shipped as package data, and how their placeholders are filled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files


def asset(name: str) -> str:
    """The text of a file in `assets`."""
    return files("honing.view").joinpath("assets", name).read_text(encoding="utf-8")


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with every `{{name}}` replaced by its value, which must already be safe HTML.

    One pass: a value that looks like a placeholder stays what it is.
    """
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match.group(1)], template)
