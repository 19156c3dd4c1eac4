from __future__ import annotations

from trm_edge.report.blocks import PLAIN, columns


def test_columns_are_as_high_as_their_values() -> None:
    assert columns([0.0, 0.5, 1.0], width=3, height=1) == ["▁▄█"]
    assert columns([0.0, 0.5, 0.75, 1.0], width=4, height=2) == ["  ▄█", "▁███"]


def test_few_values_fill_the_width_and_many_are_thinned_out() -> None:
    assert columns([0.5, 1.0], width=6, height=1) == ["▄▄▄███"]
    assert columns([0.0, 1.0] * 50, width=5, height=1) == ["▄▄▄▄▄"]
    assert columns([1.0], width=3, height=1) == ["███"]


def test_values_off_the_scale_stay_in_the_picture() -> None:
    assert columns([-1.0, 2.0], width=2, height=1) == ["▁█"]


def test_terminals_without_blocks_get_plain_characters() -> None:
    lines = columns([0.0, 0.4, 0.7, 1.0], width=4, height=1, glyphs=PLAIN)
    assert lines == [".. |".replace(" ", ":")]
    assert all(line.isascii() for line in lines)
