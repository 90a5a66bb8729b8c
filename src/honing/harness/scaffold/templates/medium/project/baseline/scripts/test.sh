#!/usr/bin/env bash
echo "test: not written yet" >&2
exit 1
