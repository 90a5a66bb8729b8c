"""What the server answers: the page, its data, pages and files of runs, and the two things it may do."""

from __future__ import annotations

import mimetypes
import threading
from collections.abc import Callable
from importlib.resources import files
from subprocess import Popen
from typing import TYPE_CHECKING, Any

from honing.errors import HoningError, UsageError
from honing.store import RunStatus
from honing.view.live.actions import Actions
from honing.view.live.comparing import compare_places
from honing.view.live.details import read_details
from honing.view.live.files import is_plain, read_plain, signature
from honing.view.live.folders import Place
from honing.view.live.guard import FOREIGN_POLICY, Guard, Secrets, policy
from honing.view.live.hub import Hub
from honing.view.live.rows import RESUMABLE, WATCHED, open_run
from honing.view.live.shelf import Shelf
from honing.view.live.wording import shown
from honing.view.page import render
from honing.view.templates import asset, filled
from honing.view.text import escape

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_ASSETS = {"live.js": "text/javascript", "live.css": "text/css", "page.css": "text/css"}
_PICTURES = frozenset({"image/png", "image/jpeg"})
_PAGES = 4
"""Rendered pages that are kept."""


class LiveApp:
    """The answers of one server."""

    def __init__(self, shelf: Shelf, actions: Actions, secrets: Secrets, *, read_only: bool) -> None:
        """Answer nothing yet.

        Args:
            shelf: The runs.
            actions: What other systems do for the page.
            secrets: What a caller must know.
            read_only: Whether nothing may be stopped or resumed.
        """
        self._shelf = shelf
        self._actions = actions
        self._secrets = secrets
        self._read_only = read_only
        self.hub = Hub(shelf, each_time=self._reap)
        self._guard = threading.Lock()
        self._resumed: dict[str, Popen[bytes]] = {}
        self._pages: dict[tuple[Any, ...], str] = {}

    def asgi(self) -> Guard:
        """The application, guarded."""
        return Guard(self._routes(), self._secrets)

    def _routes(self) -> Starlette:
        from starlette.applications import Starlette
        from starlette.routing import Route

        return Starlette(
            routes=[
                Route("/", self._home, methods=["GET"]),
                Route("/assets/{name}", self._asset, methods=["GET"]),
                Route("/api/events", self._events, methods=["GET"]),
                Route("/api/compare", self._answered(self._compare), methods=["GET"]),
                Route("/api/runs/{key}", self._answered(self._details), methods=["GET"]),
                Route("/api/runs/{key}/stop", self._answered(self._stop), methods=["POST"]),
                Route("/api/runs/{key}/resume", self._answered(self._resume), methods=["POST"]),
                Route("/runs/{key}/page", self._page, methods=["GET"]),
                Route("/runs/{key}/files/{path:path}", self._file, methods=["GET"]),
            ]
        )

    def _answered(self, work: Callable[[Request], dict[str, Any]]) -> Callable[[Request], Response]:
        """An answer as JSON; a named error is a sentence with status 409."""
        from starlette.responses import JSONResponse

        def answer(request: Request) -> Response:
            try:
                return JSONResponse(work(request))
            except HoningError as error:
                return JSONResponse({"error": shown(str(error))}, status_code=409)

        return answer

    def _home(self, request: Request) -> Response:
        from starlette.responses import HTMLResponse

        page = filled(
            _own("live.html"),
            {"key": self._secrets.key, "mode": "read-only" if self._read_only else "full"},
        )
        headers = {"content-security-policy": policy(request.headers["host"])}
        if "token" in request.query_params:
            headers["set-cookie"] = self._secrets.cookie
        return HTMLResponse(page, headers=headers)

    def _asset(self, request: Request) -> Response:
        from starlette.responses import PlainTextResponse, Response

        name = request.path_params["name"]
        if name not in _ASSETS:
            return PlainTextResponse("There is no such file.\n", status_code=404)
        text = asset(name) if name == "page.css" else _own(name)
        return Response(text, media_type=_ASSETS[name])

    def _events(self, request: Request) -> Response:
        from starlette.responses import StreamingResponse

        stream = self.hub.stream(request.headers.get("last-event-id", ""))
        return StreamingResponse(stream, media_type="text/event-stream")

    def _details(self, request: Request) -> dict[str, Any]:
        return read_details(self._shelf, self._place(request))

    def _compare(self, request: Request) -> dict[str, Any]:
        a, b = (self._shelf.place(request.query_params.get(side, "")) for side in ("a", "b"))
        return compare_places(a, b, self._actions.compare)

    def _stop(self, request: Request) -> dict[str, Any]:
        self._check_may_act()
        place = self._place(request)
        run = open_run(place)
        if run.status is not RunStatus.RUNNING:
            raise UsageError(f"{place.name} is {run.status.value}; only a run that works can be stopped.")
        for inner in self._shelf.inside(place.key):
            within = open_run(inner)
            if within.status is RunStatus.RUNNING:
                within.request_stop()
        run.request_stop()
        self.hub.look()
        return {"asked": True}

    def _resume(self, request: Request) -> dict[str, Any]:
        self._check_may_act()
        place = self._place(request)
        with self._guard:
            before = self._resumed.get(place.key)
            if before is not None and before.poll() is None:
                raise UsageError(f"{place.name} is being resumed already, by process {before.pid}.")
            if place.parent:
                raise UsageError(
                    f"{place.name} lies inside another run; resume that one, and it goes on too."
                )
            run = open_run(place)
            if run.status not in RESUMABLE:
                raise UsageError(f"{place.name} is {run.status.value}; there is nothing to go on with.")
            child = self._resumed[place.key] = self._actions.resume(run)
        self.hub.look()
        return {"pid": child.pid}

    def _page(self, request: Request) -> Response:
        from starlette.responses import HTMLResponse

        # Its own policy, by hashes, stands in the page; this one puts it into an origin of its own.
        rules = "sandbox allow-scripts allow-downloads; frame-ancestors 'self'"
        try:
            text = self._rendered(self._place(request))
        except HoningError as error:
            rules = FOREIGN_POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
            text = f"<!doctype html><title>No page</title><p>{escape(str(error))}</p>"
        return HTMLResponse(text, headers={"content-security-policy": rules})

    def _rendered(self, place: Place) -> str:
        for name in ("run.json", "report.json"):
            if (place.path / name).is_symlink() or (
                (place.path / name).exists() and not is_plain(place.path / name)
            ):
                raise UsageError(f"{name} of this run is no plain file, so it is not read.")
        wanted = (place.key, signature(place.path, WATCHED))
        with self._guard:
            if wanted not in self._pages:
                self._pages[wanted] = render(self._actions.report_of(open_run(place)))
                for oldest in list(self._pages)[:-_PAGES]:
                    del self._pages[oldest]
            return self._pages[wanted]

    def _file(self, request: Request) -> Response:
        from starlette.responses import PlainTextResponse, Response

        path = request.path_params["path"]
        try:
            payload = read_plain(self._place(request).path, path)
        except HoningError as error:
            return PlainTextResponse(f"{shown(str(error))}\n", status_code=404)
        kind = mimetypes.guess_type(path)[0]
        # Whatever it is, it is shown as text: only pictures are shown as what they say they are.
        return Response(payload, media_type=kind if kind in _PICTURES else "text/plain; charset=utf-8")

    def _place(self, request: Request) -> Place:
        return self._shelf.place(request.path_params["key"])

    def _check_may_act(self) -> None:
        if self._read_only:
            raise UsageError(
                "This server was started with --read-only: nothing is stopped or resumed from here."
            )

    def _reap(self) -> None:
        """Take note of resumed commands that have ended, so that none stays as a zombie."""
        for child in list(self._resumed.values()):
            child.poll()


def _own(name: str) -> str:
    return files("honing.view.live").joinpath("assets", name).read_text(encoding="utf-8")
