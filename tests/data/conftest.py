from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trm_edge.data.chunks import Chunk
from trm_edge.tasks import get_task
from trm_edge.tasks.generating import generate_many

Generated = Callable[[str, int], Chunk]


@pytest.fixture(scope="session")
def generated() -> Generated:
    """Fresh puzzles of a task, as a chunk; made once for all tests."""
    made: dict[tuple[str, int], Chunk] = {}

    def chunk(task_id: str, count: int) -> Chunk:
        if (task_id, count) not in made:
            puzzles = list(generate_many(get_task(task_id), count, 0))
            made[task_id, count] = Chunk(
                np.stack([puzzle.question for puzzle in puzzles]),
                np.stack([puzzle.answer for puzzle in puzzles if puzzle.answer is not None]),
                np.arange(count, dtype=np.float64),
            )
        return made[task_id, count]

    return chunk


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[[str, str, Chunk], Path]:
    """Writes a chunk as a CSV file of the public format; ratings 0, 1, 2 ..."""

    def write(name: str, task_id: str, chunk: Chunk) -> Path:
        task = get_task(task_id)
        rows = ["source,question,answer,rating"]
        for question, answer, rating in zip(chunk.questions, chunk.answers, chunk.ratings, strict=True):
            rows.append(f"made,{task.format(question)},{task.format(answer)},{rating:g}")
        path = tmp_path / name
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    return write
