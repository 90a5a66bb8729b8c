"""What targets that lie elsewhere are fetched with."""

from __future__ import annotations

from pathlib import Path

from honing.settings import load_settings

CANARY = "sk-canary"
CWD = Path("/work-dir")


def test_what_reaches_targets_is_gathered_from_settings_and_the_usual_variables() -> None:
    environ = {
        "HOME": "/home/ada",
        "HONING_MIRROR": "mirror",
        "GH_TOKEN": "second",
        "GITHUB_TOKEN": "first",
        "HF_TOKEN": "hub",
        "PIP_INDEX_URL": "file:///srv/simple",
        "HTTPS_PROXY": "http://proxy:3128",
        "GIT_SSL_NO_VERIFY": "1",
        "OPENAI_API_KEY": CANARY,
    }

    fetching = load_settings(environ=environ, cwd=CWD).fetching(environ)

    assert fetching == {
        "cache": Path("/home/ada/.cache/honing/targets"),
        "mirror": CWD / "mirror",
        "variables": {
            "HOME": "/home/ada",
            "HTTPS_PROXY": "http://proxy:3128",
            "GIT_SSL_NO_VERIFY": "1",
            "HF_TOKEN": "hub",
            "HF_HUB_OFFLINE": "0",
            "GITHUB_TOKEN": "first",
            "UV_DEFAULT_INDEX": "file:///srv/simple",
        },
        "max_total_bytes": 2 * 1024**3,
        "max_file_bytes": 512 * 1024**2,
    }
