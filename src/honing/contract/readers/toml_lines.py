"""Where the keys of a TOML file stand, which its reader does not tell."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TomlLines:
    """A TOML file's text."""

    file: str
    text: str

    def anchor(self, section: str = "", key: str = "") -> str:
        """file:line of a key, of its section where the key is not found, or of the file."""
        current, best = "", 1
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := re.match(r"\s*\[+\s*([\w.\-]+)\s*\]+", line):
                current = header.group(1)
                if current == section or (not section and current == key):
                    best = number
                if current == f"{section}.{key}":
                    return f"{self.file}:{number}"
            elif key and current == section and re.match(rf"\s*{re.escape(key)}\s*=", line):
                return f"{self.file}:{number}"
        return f"{self.file}:{best}"
