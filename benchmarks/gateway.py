"""What the gateway costs: calls a second and time a call, through it and past it, in one run.

    python benchmarks/gateway.py [--calls N]

A scripted model server runs in a process of its own, the gateway in another, the callers here. The same calls
go to the server directly and through the gateway, in alternating rounds, so that both meet the same machine.
Printed are the medians over the rounds, and the ratios.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BODY = json.dumps(
    {"model": "scripted", "messages": [{"role": "user", "content": "What is 6 times 7? " * 20}]}
).encode()
ROUNDS = 5

GATEWAY = """
import sys, threading
from pathlib import Path
from honing.llm import Gateway, GatewayConfig, Upstream
from honing.llm.endpoint import Endpoint
endpoint = Endpoint(base_url=sys.argv[1], wire="openai_chat", key="sk-benchmark-0123456789")
config = GatewayConfig(log_path=Path(sys.argv[2]), max_connections=64)
with Gateway(config) as gateway:
    channel = gateway.channel("benchmark", Upstream(endpoint))
    print(gateway.base_url, channel.token, flush=True)
    sys.stdin.read()
"""


@contextmanager
def started(argv: list[str]) -> Iterator[list[str]]:
    """A process of ours and the words of its first line."""
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()
        process.terminate()


def run(address: str, token: str, calls: int, callers: int) -> tuple[float, float]:
    """Calls per second, and the median time of a call in milliseconds."""
    host, _, port = address.removeprefix("http://").partition(":")
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n"
    message = f"{head}content-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n".encode() + BODY
    times: list[float] = []

    def caller() -> None:
        with socket.create_connection((host, int(port))) as connection:
            for _ in range(calls // callers):
                began = time.perf_counter()
                connection.sendall(message)
                reply = b""
                while b'"total_tokens"' not in reply:
                    reply += connection.recv(65536)
                assert reply.startswith(b"HTTP/1.1 200 ")
                times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=caller) for _ in range(callers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(times) / (time.perf_counter() - began), statistics.median(times) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=800, help="calls in each round")
    calls = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.json")
        script.write_text(json.dumps({"rules": [], "default": "6 times 7 is 42."}))
        serve = [sys.executable, "-m", "honing.llm.scripted", "--script", str(script)]
        with started(serve) as [server]:
            gate = [sys.executable, "-c", GATEWAY, server, str(Path(folder, "calls.jsonl"))]
            with started(gate) as [gateway, token]:
                for callers in (1, 16):
                    report(server, gateway, token, calls, callers)
    return 0


def report(server: str, gateway: str, token: str, calls: int, callers: int) -> None:
    ways = {"direct": (server, "none"), "gateway": (gateway, token)}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for address, key in ways.values():
        run(address, key, 64, callers)
    for _ in range(ROUNDS):
        for name, (address, key) in ways.items():
            found[name].append(run(address, key, calls, callers))
    rate = {name: statistics.median(r for r, _ in rounds) for name, rounds in found.items()}
    wait = {name: statistics.median(w for _, w in rounds) for name, rounds in found.items()}
    print(f"{callers} at once, {ROUNDS} rounds of {calls} calls")
    for name in ways:
        print(f"  {name:8} {rate[name]:7.0f} calls/s   {wait[name]:7.2f} ms a call")
    added = wait["gateway"] - wait["direct"]
    print(f"  gateway/direct: rate x{rate['gateway'] / rate['direct']:.2f}, added {added:.2f} ms a call")


if __name__ == "__main__":
    raise SystemExit(main())
