"""Programs that run on the other side of a sandbox's wall, each in an interpreter of its own (`python -I
-S`).

Nothing here imports Honing: start-up time is paid by every command. Honing imports `tree` alone.
"""
