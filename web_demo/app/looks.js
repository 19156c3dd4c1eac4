/**
 * What the cells of a puzzle look like, what they are called aloud, and which keys put something into them: one set of
 * looks a family of tasks. Knows no element of the page, no rules beyond marking what is twice, and no model.
 */

/** @typedef {import("../core/types.js").Grid} Grid */
/** @typedef {import("../core/types.js").Task} Task */

/**
 * @typedef {object} Cell
 * @property {string} text what stands in it
 * @property {string} classes what the style sheet knows it by
 * @property {string} words what a screen reader says after its place
 */

/**
 * @typedef {object} Key
 * @property {number} value what it puts into a cell
 * @property {string} text what stands on it
 * @property {string} classes
 * @property {string} words
 */

/**
 * @typedef {object} Looks
 * @property {string} title
 * @property {string} help
 * @property {number} blank value of a cell that was emptied
 * @property {Key[]} keys
 * @property {(key: string) => number | null} valueOf what a key of the keyboard puts in; null: nothing
 * @property {[number, number] | null} box rows and columns between two bold lines
 * @property {number | null} canvas most rows and columns of a grid that has no size of its own; null: it has one
 * @property {() => Grid} empty a puzzle to start from
 * @property {(grid: Grid, question: Grid) => Cell[][]} cells a grid, which is the question itself or an answer to it
 */

const SYMBOLS = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const WALL = 1;
const FLOOR = 2;
const MAZE = [
    { text: "", classes: "floor", words: "nothing" },
    { text: "", classes: "wall", words: "wall" },
    { text: "", classes: "floor", words: "floor" },
    { text: "S", classes: "start", words: "start" },
    { text: "G", classes: "goal", words: "goal" },
    { text: "o", classes: "path", words: "path" },
];
const COLOURS = ["black", "blue", "red", "green", "yellow", "grey", "magenta", "orange", "light blue", "maroon"];

/**
 * @param {Task} task
 * @returns {Looks}
 */
export function looksOf(task) {
    if (task.family === "sudoku") {
        const { side, boxRows, boxColumns } = /** @type {import("../core/tasks/sudoku.js").SudokuTask} */ (task);
        return sudoku(side, [boxRows, boxColumns]);
    }
    if (task.family === "maze") {
        const { rows, columns } = /** @type {import("../core/tasks/maze.js").MazeTask} */ (task);
        return maze(rows, columns);
    }
    return arc(/** @type {import("../core/tasks/arc.js").ArcTask} */ (task).canvas);
}

/**
 * Cells that differ from the grid before. Cells that it did not have count as changed.
 *
 * @param {Grid} grid
 * @param {Grid} before
 * @returns {boolean[][]}
 */
export function changes(grid, before) {
    return grid.map((row, r) => row.map((value, c) => before[r]?.[c] !== value));
}

/**
 * @param {number} side
 * @param {[number, number]} box
 * @returns {Looks}
 */
function sudoku(side, box) {
    const symbols = SYMBOLS.slice(0, side);
    const last = symbols[side - 1];
    return {
        title: `Sudoku ${side}×${side}`,
        help: `Arrows move; 1 to ${last} fill a cell, Delete empties it, Control+V pastes a whole puzzle.`,
        blank: 0,
        keys: [
            ...[...symbols].map((text, index) => ({ value: index + 1, text, classes: "", words: text })),
            { value: 0, text: "⌫", classes: "", words: "empty the cell" },
        ],
        valueOf: (key) => (key === "0" || key === "." ? 0 : symbols.indexOf(key.toUpperCase()) + 1 || null),
        box,
        canvas: null,
        empty: () => filled(side, side, 0),
        cells(grid, question) {
            const wrong = twice(grid, box);
            return grid.map((row, r) =>
                row.map((value, c) => {
                    const given = question[r][c] !== 0;
                    const bad = wrong[r][c] || (given && value !== question[r][c]);
                    const kind = value === 0 ? "empty" : given ? "given" : "answer";
                    return {
                        text: value === 0 ? "" : symbols[value - 1],
                        classes: bad ? `${kind} wrong` : kind,
                        words:
                            (value === 0 ? "empty" : `${symbols[value - 1]}, ${kind}`) + (bad ? ", breaks a rule" : ""),
                    };
                }),
            );
        },
    };
}

/**
 * Cells whose digit is also elsewhere in their row, column or box.
 *
 * @param {Grid} grid
 * @param {[number, number]} box
 */
function twice(grid, [boxRows, boxColumns]) {
    const side = grid.length;
    /** @type {Map<string, number>} */
    const seen = new Map();
    /** @param {number} value  @param {number} r  @param {number} c */
    const units = (value, r, c) => {
        const b = Math.floor(r / boxRows) * (side / boxColumns) + Math.floor(c / boxColumns);
        return [`row ${r} ${value}`, `column ${c} ${value}`, `box ${b} ${value}`];
    };
    grid.forEach((row, r) =>
        row.forEach((value, c) => {
            for (const unit of units(value, r, c)) seen.set(unit, (seen.get(unit) ?? 0) + 1);
        }),
    );
    return grid.map((row, r) =>
        row.map((value, c) => value !== 0 && units(value, r, c).some((unit) => Number(seen.get(unit)) > 1)),
    );
}

/**
 * @param {number} rows
 * @param {number} columns
 * @returns {Looks}
 */
function maze(rows, columns) {
    const keys = new Map([
        ["#", WALL],
        [" ", FLOOR],
        [".", FLOOR],
        ["s", 3],
        ["g", 4],
    ]);
    return {
        title: `Maze ${rows}×${columns}`,
        help: "Arrows move; # is a wall, Space floor, S the start, G the goal. Control+V pastes a whole maze.",
        blank: FLOOR,
        keys: [
            { value: WALL, text: "#", classes: "wall", words: "wall" },
            { value: FLOOR, text: " ", classes: "floor", words: "floor" },
            { value: 3, text: "S", classes: "start", words: "start" },
            { value: 4, text: "G", classes: "goal", words: "goal" },
        ],
        valueOf: (key) => keys.get(key.toLowerCase()) ?? null,
        box: null,
        canvas: null,
        empty: () => filled(rows, columns, FLOOR),
        cells: (grid) => grid.map((row) => row.map((value) => MAZE[value] ?? MAZE[0])),
    };
}

/**
 * @param {number} canvas
 * @returns {Looks}
 */
function arc(canvas) {
    const cells = COLOURS.map((words, value) => ({
        text: String(value),
        classes: `colour-${value}`,
        words: `${value}, ${words}`,
    }));
    return {
        title: `ARC grid, up to ${canvas}×${canvas}`,
        help: "Arrows move; 0 to 9 colour a cell, Delete makes it black. Control+V pastes a whole grid.",
        blank: 0,
        keys: cells.map((cell, value) => ({ ...cell, value })),
        valueOf: (key) => (/^[0-9]$/.test(key) ? Number(key) : null),
        box: null,
        canvas,
        empty: () => filled(Math.min(3, canvas), Math.min(3, canvas), 0),
        cells: (grid) => grid.map((row) => row.map((value) => cells[value])),
    };
}

/**
 * @param {number} rows
 * @param {number} columns
 * @param {number} value
 * @returns {Grid}
 */
function filled(rows, columns, value) {
    return Array.from({ length: rows }, () => Array.from({ length: columns }, () => value));
}
