"""Python source of a target, parsed and never run."""

from __future__ import annotations

import ast
import warnings


def parsed(text: str) -> ast.Module:
    """The syntax tree; raises ValueError for what is no Python of this version, or too deep to parse."""
    try:
        with warnings.catch_warnings():
            # Escapes such as "\d" in somebody else's source are no concern of ours.
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"no Python that can be read ({type(error).__name__})") from None
