#!/usr/bin/env bash
# The environment that the other scripts use. Nothing is installed, so no network is needed.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 -m venv --without-pip --clear .venv
# So that the package is found wherever this Python is started; the path starts from the folder of this file.
packages="$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
echo ../../../../src > "$packages/word_tools.pth"
