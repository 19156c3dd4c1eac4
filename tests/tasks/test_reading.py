from __future__ import annotations

import pytest

from trm_edge.errors import InvalidPuzzle
from trm_edge.tasks.reading import csv_rows, text_puzzles


def test_csv_with_all_columns_and_with_few() -> None:
    (row,) = csv_rows("\ufeffsource,question,answer,rating\r\nx,ab,cd,3\r\n\r\n")
    assert (row.line, row.source, row.question, row.answer, row.rating) == (2, "x", "ab", "cd", 3.0)
    (row,) = csv_rows("question,answer\nab,\n")
    assert (row.answer, row.rating, row.source) == (None, None, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: .*header"),
        ("a,b\n1,2\n", "line 1: .*header"),
        ("question,anwser\n", "line 1: Unknown column 'anwser'.*Did you mean 'answer'"),
        ("question,question\n", "appears twice"),
        ("question,rating\na,1\nb\n", "line 3: 1 fields, but the header has 2"),
        ("question,rating\na,hard\n", "line 2: rating 'hard' is not a number"),
        ("question,rating\na,nan\n", "line 2: rating 'nan' is not a number"),
        ('question\n"a\n', "line 2: not readable as CSV"),
    ],
)
def test_bad_csv(text: str, message: str) -> None:
    with pytest.raises(InvalidPuzzle, match=message):
        list(csv_rows(text))


def test_text_is_cut_at_full_grids_empty_lines_and_whole_lines() -> None:
    text = "aabb\n\naa\nbb\naa\nbb\n\n\nab\nba"
    cut = list(text_puzzles(text, rows=2, symbols=str.strip, whole=lambda line: len(line) > 2))
    assert cut == [(1, "aabb"), (3, "aa\nbb"), (5, "aa\nbb"), (9, "ab\nba")]
