"""Datasets: where puzzles come from, the official layout on disk, and what a set holds twice."""
