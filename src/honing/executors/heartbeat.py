"""Keeping leases alive."""

from __future__ import annotations

import threading

from honing.errors import StoreError
from honing.store import Journal


class Heartbeat:
    """Renews the session's leases from a thread of its own, however long a unit takes."""

    def __init__(self, journal: Journal, owner: str, lease_s: float) -> None:
        """Renew every third of the time that a lease lasts.

        Args:
            journal: Where the leases are.
            owner: Whose they are.
            lease_s: How long one lasts, in seconds.
        """
        self._journal = journal
        self._owner = owner
        self._lease_s = lease_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="honing-heartbeat", daemon=True)
        self.error: StoreError | None = None
        """Why it gave up, if it did."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._lease_s / 3):
            try:
                self._journal.renew(self._owner, self._lease_s)
            except StoreError as error:
                self.error = error
                return
