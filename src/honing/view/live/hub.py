"""Events for every open page: numbered, kept for those that come back, and handed out from one thread."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from honing.view.live.shelf import Shelf

_INTERVAL_S = 0.5
_KEPT = 500
"""Events a page may have missed and still go on from."""
_WAITING = 200
"""Events that may wait for one page; one that reads no more is let go and comes back by itself."""
_SIGN_OF_LIFE_S = 15.0


@dataclass(frozen=True, slots=True)
class Event:
    """One change of the list."""

    number: int
    name: str
    """`rows`: some lines changed or went; `all`: every line there is."""
    document: dict[str, Any]


class _Page:
    """One open page: its event loop and what waits for it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def put(self, event: Event | None) -> None:
        """From any thread. None ends the stream."""
        # A loop that has ended has let the page go already.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._put, event)

    def _put(self, event: Event | None) -> None:
        if event is None or self.queue.qsize() < _WAITING:
            self.queue.put_nowait(event)
        elif self.queue.qsize() == _WAITING:
            self.queue.put_nowait(None)


class Hub:
    """Looks at the runs twice a second while a page is open, and tells every page what changed."""

    def __init__(self, shelf: Shelf, *, each_time: Callable[[], None] = lambda: None) -> None:
        """Look at nothing yet; `start` does.

        Args:
            shelf: The runs.
            each_time: Called at every look.
        """
        self._shelf = shelf
        self._each_time = each_time
        # Numbers of another server's events mean nothing here.
        self.name = secrets.token_hex(4)
        self._looking = threading.Lock()
        self._wake = threading.Condition()
        self._rows: dict[str, dict[str, Any]] = {}
        self._kept: deque[Event] = deque(maxlen=_KEPT)
        self._number = 0
        self._pages: set[_Page] = set()
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """End every stream and the thread."""
        with self._wake:
            self._closed = True
            pages = list(self._pages)
            self._wake.notify_all()
        for page in pages:
            page.put(None)

    def look(self) -> None:
        """Look at the runs now, and tell what changed."""
        with self._looking:
            self._each_time()
            rows = self._shelf.rows()
            changed = [row for key, row in rows.items() if self._rows.get(key) != row]
            removed = [key for key in self._rows if key not in rows]
            if not changed and not removed:
                return
            with self._wake:
                self._rows = rows
                self._number += 1
                event = Event(self._number, "rows", {"changed": changed, "removed": removed})
                self._kept.append(event)
                for page in self._pages:
                    page.put(event)

    async def stream(self, last: str) -> AsyncIterator[bytes]:
        """What one page is sent, until it goes or the server ends.

        Args:
            last: The page's `Last-Event-ID`; empty for one that is new.
        """
        await asyncio.to_thread(self.look)
        page = _Page()
        with self._wake:
            if self._closed:
                return
            missed = self._since(last)
            self._pages.add(page)
            self._wake.notify_all()
        try:
            yield b"retry: 1000\n\n"
            for event in missed:
                yield self._wire(event)
            async for payload in self._follow(page):
                yield payload
        finally:
            with self._wake:
                self._pages.discard(page)

    async def _follow(self, page: _Page) -> AsyncIterator[bytes]:
        while True:
            try:
                event = await asyncio.wait_for(page.queue.get(), _SIGN_OF_LIFE_S)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if event is None:
                return
            yield self._wire(event)

    def _since(self, last: str) -> list[Event]:
        """What a page lacks: the events after its last one, or everything."""
        server, _, text = last.partition("-")
        oldest = self._kept[0].number if self._kept else self._number + 1
        # Not int(): a header may hold digits by the megabyte.
        if server == self.name and text.isascii() and text.isdecimal() and len(text) < 16:
            number = int(text)
            if oldest - 1 <= number <= self._number:
                return [event for event in self._kept if event.number > number]
        return [Event(self._number, "all", {"rows": list(self._rows.values())})]

    def _wire(self, event: Event) -> bytes:
        text = json.dumps(event.document, ensure_ascii=True, allow_nan=False)
        return f"id: {self.name}-{event.number}\nevent: {event.name}\ndata: {text}\n\n".encode()

    def _watch(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or bool(self._pages))
                if not self._closed:
                    self._wake.wait(_INTERVAL_S)
                if self._closed:
                    return
            self.look()
