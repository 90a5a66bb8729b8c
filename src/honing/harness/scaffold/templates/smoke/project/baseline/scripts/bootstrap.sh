#!/usr/bin/env bash
# Nothing has to be set up here.
