"""Settings: one pure function from mappings to a frozen record.

Precedence: flag > `HONING_*` variable > the usual variables (`OPENAI_*`, `ANTHROPIC_*`, ...) > `.env` >
config file > default. Nothing here touches the environment or a file; the command line and `honing/__init__`
read those and pass them in.
"""

from honing.settings.documents import Document, holds_settings
from honing.settings.dotenv import parse_dotenv
from honing.settings.fields import (
    FIELDS,
    Colour,
    Containment,
    Devices,
    Field,
    Hub,
    Limits,
    Models,
    Output,
    Paths,
    SandboxKind,
    Tracking,
)
from honing.settings.layers import Origin, Place, Settings, load_settings, shown
from honing.settings.secret import Secret

__all__ = [
    "FIELDS",
    "Colour",
    "Containment",
    "Devices",
    "Document",
    "Field",
    "Hub",
    "Limits",
    "Models",
    "Origin",
    "Output",
    "Paths",
    "Place",
    "SandboxKind",
    "Secret",
    "Settings",
    "Tracking",
    "holds_settings",
    "load_settings",
    "parse_dotenv",
    "shown",
]
