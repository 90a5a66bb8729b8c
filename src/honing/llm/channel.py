"""One caller's way into a gateway: its own token, source, budget and records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from honing.llm.budget import Account
from honing.llm.http import HttpServer
from honing.llm.ledger import CallLedger
from honing.llm.records import CallRecord, Counts
from honing.llm.sources import Source


class Channel:
    """Made by `Gateway.channel`. Its token opens this channel alone and is worth nothing outside this run."""

    def __init__(
        self,
        *,
        name: str,
        source: Source,
        token: str,
        account: Account,
        models: Sequence[str],
        server: HttpServer,
        ledger: CallLedger,
    ) -> None:
        self.name = name
        self.source = source
        self.token = token
        self.account = account
        self.models = list(models)
        self.closed = False
        self._server = server
        self._ledger = ledger

    @property
    def base_url(self) -> str:
        """Root address on this machine, without /v1."""
        return self._server.base_url

    @property
    def socket(self) -> Path | None:
        """The gateway's Unix socket, for a sandbox without network to forward to."""
        return self._server.socket

    @property
    def exhausted(self) -> str | None:
        """Which budget of this channel has refused a call; None as long as none has."""
        return self.account.exhausted

    def env(self, address: str | None = None) -> dict[str, str]:
        """Variables that lead the usual clients of a child process here. They hold no key but this token.

        Args:
            address: "host:port" as the child sees the gateway (a forwarded port in a sandbox); this machine's
                own loopback port by default.
        """
        root = f"http://{address}" if address else self.base_url
        return {
            "OPENAI_BASE_URL": f"{root}/v1",
            "OPENAI_API_BASE": f"{root}/v1",
            "OPENAI_API_KEY": self.token,
            "ANTHROPIC_BASE_URL": root,
            "ANTHROPIC_API_KEY": self.token,
            "GOOGLE_GEMINI_BASE_URL": root,
            "GEMINI_API_KEY": self.token,
            "GOOGLE_API_KEY": self.token,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def counts(self) -> Counts:
        """Totals of this channel's calls, those of earlier sessions of the run included."""
        return self._ledger.counts(self.name)

    def calls(self) -> list[CallRecord]:
        """This channel's calls that have ended, by ordinal."""
        return self._ledger.records(self.name)

    def close(self) -> None:
        """Answer 403 from now on; calls under way go on. Safe to repeat."""
        self.closed = True
