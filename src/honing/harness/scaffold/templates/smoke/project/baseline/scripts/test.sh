#!/usr/bin/env bash
# There is nothing to test yet.
