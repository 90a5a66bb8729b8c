"""`serve`: the live page on a port of this machine, until somebody ends it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

from honing.errors import MissingToolError, UsageError
from honing.view.live.actions import Actions
from honing.view.live.app import LiveApp
from honing.view.live.guard import Secrets
from honing.view.live.shelf import Shelf

LOOPBACK = "127.0.0.1"
_PATIENCE_S = 3
"""Whole seconds that answers under way are given at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """Where and how the page is served."""

    host: str = LOOPBACK
    """Nothing but the loopback address is accepted: the page shows and does whatever this user may."""
    port: int = 0
    """0 lets the system choose a free one."""
    read_only: bool = False
    """Whether nothing may be stopped or resumed from the page."""


def serve(
    home: Path,
    actions: Actions,
    options: LiveOptions | None = None,
    *,
    listening: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGTERM, or Ctrl-C. Open pages are told that the server has ended.

    Args:
        home: The folder of runs.
        actions: What other systems do for the page.
        options: Where and how.
        listening: Is told the address, with its token, once it can be opened.

    Raises:
        MissingToolError: The extra `view` is not installed.
        UsageError: The address is not this machine's own, or the port cannot be had.
        KeyboardInterrupt: Ctrl-C ended it.
    """
    options = options or LiveOptions()
    lacking = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if lacking:
        raise MissingToolError(
            f"the live page needs the extra 'view' ({', '.join(lacking)}): pip install 'honing[view]'."
        )
    listener = _bound(options)
    secrets = Secrets(port=listener.getsockname()[1])
    app = LiveApp(Shelf(home), actions, secrets, read_only=options.read_only)
    server = _server(app)
    app.hub.start()
    listening(secrets.address)
    try:
        server.run(sockets=[listener])
    finally:
        app.hub.close()
        listener.close()
    if server.ended_by == signal.SIGINT:
        raise KeyboardInterrupt


def _bound(options: LiveOptions) -> socket.socket:
    if options.host not in (LOOPBACK, "localhost"):
        raise UsageError(
            f"--host {options.host}: the page is served to this machine alone (127.0.0.1), because whoever "
            "opens it may do what you may. From elsewhere, forward the port: ssh -L 8000:127.0.0.1:8000 "
            "THIS-MACHINE."
        )
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, options.port))
        # From here on the address may be opened: whoever comes early waits.
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(
            f"--port {options.port}: cannot listen there: {error}. Choose another one, or 0 for any."
        ) from error
    return listener


def _server(app: LiveApp) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        """Ends its event streams as soon as it is asked to end; otherwise they would keep it alive."""

        ended_by: int = 0

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """Note the signal. It is not raised again afterwards: ending is what it asked for."""
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True
            self.ended_by = self.ended_by or sig
            app.hub.close()

    config = uvicorn.Config(
        app.asgi(),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_PATIENCE_S,
    )
    return Server(config)
