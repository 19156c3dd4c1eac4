/**
 * Mazes: mark the shortest path from S to G. Grid values and tokens are the same, those of the official datasets:
 * 0 pad, 1 wall, 2 floor, 3 start, 4 goal, 5 path, row by row.
 */

import { InvalidInput, InvalidPuzzle } from "../errors.js";
import { repr } from "../python.js";
import { hasShape, range, shapeText, toGrid } from "./grids.js";

/** @typedef {import("../types.js").Grid} Grid */
/** @typedef {import("../types.js").Task} Task */

export const [WALL, FLOOR, START, GOAL, PATH] = [1, 2, 3, 4, 5];

const CHARSET = "# SGo";
const NAMES = ["pad", "wall", "floor", "S", "G", "o"];
const [MIN_SIDE, MAX_SIDE] = [3, 64];
const ID = /^maze-(\d{1,3})x(\d{1,3})$/;

/** @implements {Task} */
export class MazeTask {
    family = "maze";
    hasRules = true;
    vocabSize = CHARSET.length + 1;

    /**
     * @param {number} rows
     * @param {number} columns
     * @throws {InvalidInput} a side below 3 or above 64
     */
    constructor(rows, columns) {
        if (Math.min(rows, columns) < MIN_SIDE || Math.max(rows, columns) > MAX_SIDE) {
            throw new InvalidInput(`A maze of ${rows}x${columns} cells: each side has ${MIN_SIDE} to ${MAX_SIDE}`);
        }
        this.rows = rows;
        this.columns = columns;
        this.seqLen = rows * columns;
        this.id = `maze-${rows}x${columns}`;
    }

    /** `maze-RxC`.  @param {string} id @throws {InvalidInput} */
    static fromId(id) {
        const match = ID.exec(id);
        if (match === null) {
            throw new InvalidInput(`Task id '${id}': a maze is named maze-ROWSxCOLUMNS, for example maze-30x30`);
        }
        return new MazeTask(Number(match[1]), Number(match[2]));
    }

    /**
     * Read a question: one line of rows * columns characters, or one line a row. `#` is wall, a space is floor; exactly
     * one `S` and one `G`; no path `o`, which belongs to answers.
     *
     * @param {string} text
     * @throws {InvalidPuzzle}
     */
    parse(text) {
        const cells = this.cells(text);
        for (const value of [START, GOAL]) {
            const count = cells.filter((cell) => cell === value).length;
            if (count !== 1) throw new InvalidPuzzle(`${count} cells '${NAMES[value]}' given; a maze has exactly one`);
        }
        const path = cells.indexOf(PATH);
        if (path >= 0) {
            throw new InvalidPuzzle(`${this.place(path)} is 'o': a question shows no path; leave a space there`);
        }
        if (this.steps(cells) === null) throw new InvalidPuzzle("no path leads from S to G");
        return { question: toGrid(cells, this.columns) };
    }

    /** rows * columns characters in one line; a pad becomes a space.  @param {Grid} grid */
    format(grid) {
        return this.valid(grid)
            .flat()
            .map((value) => (" " + CHARSET)[value])
            .join("");
    }

    /** The grid's values, int32 [rows * columns].  @param {Grid} grid */
    encode(grid) {
        return Int32Array.from(this.valid(grid).flat());
    }

    /** Tokens as a grid; what is no symbol becomes floor.  @param {ArrayLike<number>} tokens */
    decode(tokens) {
        const values = Array.from(tokens, (token) => (token >= WALL && token <= PATH ? token : FLOOR));
        return toGrid(values, this.columns);
    }

    /**
     * Walls, floor, S and G kept, and the `o` cells are one shortest path from S to G and nothing else; null: solved.
     *
     * @param {Grid} question
     * @param {Grid} answer
     */
    check(question, answer) {
        return this.violation(this.valid(question).flat(), this.valid(answer).flat());
    }

    /** `check` on tokens.  @param {ArrayLike<number>} question @param {ArrayLike<number>} answer */
    solved(question, answer) {
        return this.violation(question, answer) === null;
    }

    /** @param {ArrayLike<number>} question @param {ArrayLike<number>} answer */
    violation(question, answer) {
        let path = 0;
        for (let cell = 0; cell < this.seqLen; cell++) {
            const [before, after] = [question[cell], answer[cell]];
            if (after === PATH) path++;
            if (before !== after && !(before === FLOOR && after === PATH)) {
                return `${NAMES[before] ?? "pad"} at ${this.place(cell)} became ${NAMES[after] ?? "pad"}`;
            }
        }
        const steps = this.steps(question);
        if (steps === null) return "the question has no path from S to G";
        const along = this.steps(answer, FLOOR);
        if (along === null) return "the path does not lead from S to G";
        if (along > steps) return `the path takes ${along} steps, the shortest ${steps}`;
        const stray = path - (steps - 1);
        return stray ? `${stray} cells 'o' are not on the path` : null;
    }

    /**
     * Steps from the first S to a G around the walls, or null.
     *
     * @param {ArrayLike<number>} cells
     * @param {number} [closed] what else cannot be entered
     */
    steps(cells, closed = WALL) {
        const seen = Uint8Array.from(cells, (cell) => Number(cell === WALL || cell === closed));
        let layer = Array.from(cells, (cell, index) => (cell === START ? index : -1)).filter((index) => index >= 0);
        for (const index of layer) seen[index] = 1;
        for (let steps = 0; layer.length; steps++) {
            if (layer.some((index) => cells[index] === GOAL)) return steps;
            /** @type {number[]} */
            const next = [];
            for (const index of layer) {
                for (const other of this.beside(index)) {
                    if (seen[other]) continue;
                    seen[other] = 1;
                    next.push(other);
                }
            }
            layer = next;
        }
        return null;
    }

    /** @param {number} index of a cell */
    beside(index) {
        const column = index % this.columns;
        const found = [];
        if (index >= this.columns) found.push(index - this.columns);
        if (index + this.columns < this.seqLen) found.push(index + this.columns);
        if (column > 0) found.push(index - 1);
        if (column < this.columns - 1) found.push(index + 1);
        return found;
    }

    /** @param {string} text */
    cells(text) {
        let lines = text.split("\n").map((line) => [...line.replace(/\r$/, "")]);
        while (lines.length > 1 && lines[lines.length - 1].length === 0) lines.pop();
        const { rows, columns, seqLen } = this;
        if (lines.length === 1) {
            if (lines[0].length !== seqLen) {
                throw new InvalidPuzzle(`${lines[0].length} cells given; a ${rows}x${columns} maze has ${seqLen}`);
            }
        } else if (lines.length !== rows) {
            throw new InvalidPuzzle(`${lines.length} rows given; a ${rows}x${columns} maze has ${rows}`);
        } else {
            const wrong = lines.findIndex((line) => line.length !== columns);
            if (wrong >= 0) {
                throw new InvalidPuzzle(
                    `row ${wrong + 1} has ${lines[wrong].length} cells; ` +
                        `each row needs ${columns} (spaces at its end count)`,
                );
            }
        }
        const characters = lines.flat();
        const values = characters.map((character) => CHARSET.indexOf(character) + 1);
        const stranger = values.indexOf(0);
        if (stranger >= 0) {
            throw new InvalidPuzzle(
                `${this.place(stranger)} is ${repr(characters[stranger])}; ` +
                    "allowed are '#' wall, ' ' floor, 'S', 'G', 'o'",
            );
        }
        return values;
    }

    /** @param {number} cell */
    place(cell) {
        return `row ${Math.floor(cell / this.columns) + 1}, column ${(cell % this.columns) + 1}`;
    }

    /** @param {Grid} grid */
    valid(grid) {
        const { rows, columns } = this;
        if (!hasShape(grid, rows, columns)) {
            throw new InvalidPuzzle(`a grid of ${shapeText(grid)} cells given; ${this.id} has ${rows}x${columns}`);
        }
        const { least, most } = range(grid);
        if (least < 0 || most > PATH) {
            throw new InvalidPuzzle(`grid values ${least}..${most} given; a maze has 0 (pad) to ${PATH}`);
        }
        return grid;
    }
}
