/** The tasks by id. A new task is one module and one line in `FAMILIES`. */

import { InvalidInput, unknown } from "./errors.js";
import { ArcTask } from "./tasks/arc.js";
import { MazeTask } from "./tasks/maze.js";
import { SudokuTask } from "./tasks/sudoku.js";

/** @type {Record<string, { fromId(id: string): import("./types.js").Task }>} */
const FAMILIES = { sudoku: SudokuTask, maze: MazeTask, arc: ArcTask };

const EXAMPLES = [
    "sudoku-4x4",
    "sudoku-6x6",
    "sudoku-9x9",
    "sudoku-16x16",
    "maze-10x10",
    "maze-30x30",
    "arc-10x10",
    "arc-30x30",
];

/**
 * The task of an id such as `sudoku-9x9`, `maze-12x20` or `arc-30x30`.
 *
 * @param {string} id
 * @throws {InvalidInput} no such family, a malformed size, or a size the family does not have
 */
export function getTask(id) {
    const family = id.split("-")[0];
    if (!Object.hasOwn(FAMILIES, family)) throw new InvalidInput(unknown("task", id, EXAMPLES));
    return FAMILIES[family].fromId(id);
}
