"""Settings: one pure function from mappings to a frozen record.

Precedence: flag > `HONING_*` variable (and the usual ones: `OPENAI_*`, `ANTHROPIC_*`, ...) > `.env` > config file >
default. Nothing here touches the environment or a file; the command line and `honing/__init__` read those and pass
them in.
"""
