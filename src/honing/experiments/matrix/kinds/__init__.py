"""Harness runs and measurements: how a trial of each is run and read."""
