"""Serve a local model folder: python -m honing.learn.serve DIR [--port N]

It answers OpenAI chat completions (and the other wires that Honing speaks) at http://127.0.0.1:PORT/v1 until
Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from honing.errors import HoningError, UsageError
from honing.learn.folder import NO_MODEL, is_model_folder
from honing.learn.serving.local_model import LocalModel, LocalOptions
from honing.llm import ScriptedServer

_FORGET_S = 60.0


def main(argv: Sequence[str] | None = None) -> int:
    """Load the model, serve it, and print one JSON line with its address once it answers."""
    asked = arguments(argv)
    stop = threading.Event()
    if asked.tethered:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        if not is_model_folder(str(asked.folder)):
            raise UsageError(f"{asked.folder}: {NO_MODEL}")
        options = LocalOptions(
            device=asked.device, dtype=asked.dtype, max_batch=asked.max_batch, max_tokens=asked.max_tokens
        )
        model = LocalModel(asked.folder, options)
        name = asked.folder.resolve().name
        with ScriptedServer(model, models=[name], port=asked.port) as server:
            _say({"base_url": server.base_url, "model": name, **model.about()})
            while not stop.wait(_FORGET_S):
                # The server keeps requests for tests to look at; this one runs for long.
                server.requests.clear()
        model.close()
    except (HoningError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code if isinstance(error, HoningError) else 1
    return 0


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m honing.learn.serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a model as Hugging Face libraries save it")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1; auto")
    parser.add_argument(
        "--dtype", default="auto", help="float32, bfloat16, float16; auto: as the folder says"
    )
    parser.add_argument(
        "--max-batch", type=int, default=16, metavar="N", help="prompts continued together; 16"
    )
    parser.add_argument(
        "--max-tokens", type=int, default=1024, metavar="N", help="of a reply that sets no limit; 1024"
    )
    parser.add_argument("--tethered", action="store_true", help="end as soon as standard input ends")
    return parser.parse_args(argv)


def _say(document: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    """End this process, whatever it is doing, once whoever started it is gone: its end of our standard input
    closes with it, also where it was killed."""
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
