#!/usr/bin/env bash
echo "validate: not written yet" >&2
exit 1
