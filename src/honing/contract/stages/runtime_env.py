"""runtime_env.json: what a deployment tells the stages after it.

`deploy.setup` or `deploy.health` may write it where $HONING_RUNTIME_ENV says:
`{"env": {"NAME": "value"}, "base_url": "http://127.0.0.1:8000/v1", "model": "name"}`. A deployed model is
asked through the gateway like any other, under the name `deployed`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.documents import parse_json, read_plain_file
from honing.errors import MetricsError, StageError

FILE = ".honing/runtime_env.json"
"""Below the working copy."""
VARIABLE = "HONING_RUNTIME_ENV"
DEPLOYED = "deployed"
"""The model's name under which `--llm` asks what the target deployed."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = re.compile(
    r"HONING_.*|(OPENAI|ANTHROPIC|GEMINI|GOOGLE)_.*|LD_.*|PYTHON.*|PATH|HOME|TMPDIR|VIRTUAL_ENV|BASH_ENV|ENV|IFS"
)
"""They lead to the gateway, or decide what a later stage runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeEnv:
    """What a deployment told."""

    env: Mapping[str, str] = field(default_factory=dict)
    """Variables of every later stage."""
    base_url: str = ""
    """Where a deployed model answers."""
    model: str = ""
    """Its name there."""

    def variables(self) -> dict[str, str]:
        """What later stages see."""
        named = {"HONING_DEPLOYED_BASE_URL": self.base_url, "HONING_DEPLOYED_MODEL": self.model}
        return {**self.env, **{name: value for name, value in named.items() if value}}

    def as_document(self) -> dict[str, Any]:
        """For the run's own copy."""
        return {"env": dict(self.env), "base_url": self.base_url, "model": self.model}


def read_runtime_env(folder: Path) -> RuntimeEnv:
    """What the deployment wrote into its working copy; nothing where it wrote nothing.

    Raises:
        StageError: The file is not what the form above says.
    """
    if not (folder / FILE).exists() and not (folder / FILE).is_symlink():
        return RuntimeEnv()
    try:
        document = parse_json(read_plain_file(folder, FILE), source="runtime_env.json")
    except MetricsError as error:
        raise StageError(f"deploy: {error}") from error
    if not isinstance(document, dict) or set(document) - {"env", "base_url", "model"}:
        raise StageError(
            'deploy: runtime_env.json is {"env": {...}, "base_url": text, "model": text}, got '
            f"{str(document)[:300]}."
        )
    env = document.get("env", {})
    if not isinstance(env, dict) or not all(isinstance(value, str) for value in env.values()):
        raise StageError(f"deploy: runtime_env.json: 'env' maps names to texts, got {str(env)[:300]}.")
    for name in env:
        if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
            raise StageError(
                f"deploy: runtime_env.json: the variable {name!r} is not the deployment's to set. Where a "
                "model answers is said by 'base_url' and 'model'."
            )
    texts = {key: document.get(key, "") for key in ("base_url", "model")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise StageError("deploy: runtime_env.json: 'base_url' and 'model' must be texts.")
    if texts["base_url"] and not texts["base_url"].startswith(("http://", "https://")):
        raise StageError(f"deploy: runtime_env.json: 'base_url' is no address: {texts['base_url']!r}.")
    return RuntimeEnv(env=env, **texts)
