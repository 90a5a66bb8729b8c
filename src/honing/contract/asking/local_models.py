"""Models that lie in folders of this machine, served for as long as a session lasts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, cast

from honing.contract.asking.dead_server import Watched
from honing.learn import Loader, LocalServer, ServerOptions, folder_digest, is_model_folder
from honing.llm import ClientConfig, Endpoint, Source, Upstream
from honing.store import Run

RECORD = "local_models.json"
"""In a run: what each folder said about itself when it was served."""
_REPLY_S = 3600.0
"""A large model on a small machine takes its time; nobody charges for waiting."""


class LocalModels:
    """The local models of one session. Each is loaded when it is first asked, and only once.

    Args:
        run: Keeps what they say about themselves.
        loader: What serves them.
    """

    def __init__(self, run: Run, loader: str = Loader.HONING) -> None:
        self._run = run
        self._options = ServerOptions(loader=Loader(loader))
        self._stack = ExitStack()
        self._sources: dict[Path, Source] = {}
        self._about: dict[str, Any] = {}

    def source(self, name: str) -> Source:
        """What answers for a model folder (`is_model_folder`).

        Raises:
            UsageError: A file of it cannot be read.
        """
        folder = Path(name).expanduser().resolve()
        if folder not in self._sources:
            # Named by content: the port differs every time, the answers do not.
            identity = f"folder:{folder_digest(folder)}"
            source = _FolderSource(identity, partial(self._begin, name, folder))
            self._sources[folder] = Watched(cast(Source, source), str(folder))
        return self._sources[folder]

    def close(self) -> None:
        """Stop every server. May be called more than once."""
        self._sources.clear()
        self._stack.close()

    def _begin(self, name: str, folder: Path) -> Upstream:
        """Start a server, keep what it says about itself, and say how to ask it."""
        server = self._stack.enter_context(LocalServer(folder, self._options))
        self._about[name] = dict(server.about)
        self._run.write_json(RECORD, self._about)
        self._run.evidence().append("local_model", {"model": name, **server.about})
        endpoint = Endpoint(base_url=f"{server.base_url}/v1", wire="openai_chat")
        patient = ClientConfig(read_s=_REPLY_S, attempt_s=_REPLY_S, total_s=_REPLY_S)
        return Upstream(endpoint, patient, model=server.model)


class _FolderSource:
    """A `Source` whose server starts when a channel opens it. Its calls cost no money."""

    live = False

    def __init__(self, name: str, begin: Callable[[], Upstream]) -> None:
        self.name = name
        self._begin = begin
        self._inner: Upstream | None = None

    def open(self, host: Any) -> None:
        """Start the server, unless it runs.

        Raises:
            MissingToolError: The extra `teach` is not installed.
            ModelServerError: The model could not be served.
        """
        if self._inner is None:
            self._inner = self._begin()
        self._inner.open(host)

    def __getattr__(self, name: str) -> Any:
        # Everything else is the server's own answer.
        return getattr(self._inner, name)


__all__ = ["LocalModels", "is_model_folder"]
