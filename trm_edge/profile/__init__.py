"""Latency: how long solving takes, side by side, in one process."""
