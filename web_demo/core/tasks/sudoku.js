/**
 * Sudoku of any box shape: text, tokens and rules. A grid holds 0 for a blank and 1..n for digits. Tokens are those of
 * the official datasets: 0 pad, 1 blank, digit d = d + 1, row by row.
 */

import { InvalidInput, InvalidPuzzle } from "../errors.js";
import { SPACE, repr, splitLines } from "../python.js";
import { hasShape, range, shapeText, toGrid } from "./grids.js";

/** @typedef {import("../types.js").Grid} Grid */
/** @typedef {import("../types.js").Task} Task */

const SYMBOLS = "123456789ABCDEFGHIJKLMNOP";
const MAX_SIDE = SYMBOLS.length;
const ID = /^sudoku-(\d{1,2})x(\d{1,2})(?:-b(\d{1,2})x(\d{1,2}))?$/;
const DECORATION = new RegExp(`[${SPACE}|+\\-*\\u2500-\\u257f]+`, "g"); // also what Python draws
const COMMENT = new RegExp(`^[${SPACE}]*#`);

/** @implements {Task} */
export class SudokuTask {
    family = "sudoku";
    hasRules = true;

    /**
     * @param {number} boxRows
     * @param {number} boxColumns
     * @throws {InvalidInput} a box with a side below 2, or more than 25 cells
     */
    constructor(boxRows, boxColumns) {
        const side = boxRows * boxColumns;
        if (Math.min(boxRows, boxColumns) < 2 || side > MAX_SIDE) {
            throw new InvalidInput(
                `Sudoku boxes of ${boxRows}x${boxColumns} cells: a box needs two rows and two columns at least, ` +
                    `and ${MAX_SIDE} cells at most`,
            );
        }
        this.boxRows = boxRows;
        this.boxColumns = boxColumns;
        this.side = side;
        this.seqLen = side * side;
        this.vocabSize = side + 2;
        const usual = usualBox(side);
        const named = usual?.[0] === boxRows && usual[1] === boxColumns ? "" : `-b${boxRows}x${boxColumns}`;
        this.id = `sudoku-${side}x${side}${named}`;
        /** unit 0..3n-1 of each cell: its row, column and box */
        this.units = Array.from({ length: this.seqLen }, (_, cell) => {
            const [row, column] = [Math.floor(cell / side), cell % side];
            const box = Math.floor(row / boxRows) * boxRows + Math.floor(column / boxColumns);
            return [row, side + column, 2 * side + box];
        });
        this.digits = new Map(
            [...SYMBOLS.slice(0, side)].flatMap((symbol, index) => [
                [symbol, index + 1],
                [symbol.toLowerCase(), index + 1],
            ]),
        );
        for (const blank of ".0") this.digits.set(blank, 0);
    }

    /**
     * `sudoku-NxN` with the most square boxes (fewer rows than columns), or `sudoku-NxN-bRxC`.
     *
     * @param {string} id
     * @throws {InvalidInput}
     */
    static fromId(id) {
        const match = ID.exec(id);
        if (match === null || match[1] !== match[2]) {
            throw new InvalidInput(`Task id '${id}': a Sudoku is named sudoku-NxN, for example sudoku-9x9`);
        }
        const side = Number(match[1]);
        const box = match[3] === undefined ? usualBox(side) : [Number(match[3]), Number(match[4])];
        if (box === null || side < 4 || side > MAX_SIDE || box[0] * box[1] !== side) {
            throw new InvalidInput(
                `Task id '${id}': a Sudoku's side is a product of its box's rows and columns, both at least 2, ` +
                    `and at most ${MAX_SIDE}: 4, 6, 8, 9, 10, 12, 14, 15, 16, ...`,
            );
        }
        return new SudokuTask(box[0], box[1]);
    }

    /**
     * Read one line of n * n symbols, or n lines of n symbols with any of `|-+` and spaces between. Symbols are 1..9,
     * then A (10), B (11), ... in either case; `.` or `0` is a blank; a line that begins with `#` is a comment.
     *
     * @param {string} text
     * @throws {InvalidPuzzle}
     */
    parse(text) {
        const question = this.grid(text);
        const clash = this.clash(question.flat());
        if (clash !== null) throw new InvalidPuzzle(`The givens contradict each other: ${clash}`);
        return { question };
    }

    /** n * n symbols, `.` for a blank.  @param {Grid} grid */
    format(grid) {
        return this.valid(grid).flat().map(symbolOf).join("");
    }

    /** Digits + 1, int32 [n * n].  @param {Grid} grid */
    encode(grid) {
        return Int32Array.from(this.valid(grid).flat(), (digit) => digit + 1);
    }

    /** Tokens - 1, [n, n]; what is no digit becomes a blank.  @param {ArrayLike<number>} tokens */
    decode(tokens) {
        const digits = Array.from(tokens, (token) => (token > 1 && token <= this.side + 1 ? token - 1 : 0));
        return toGrid(digits, this.side);
    }

    /**
     * The first given that was changed, else the first blank, else the first digit that is twice in a unit; null:
     * solved.
     *
     * @param {Grid} question
     * @param {Grid} answer
     */
    check(question, answer) {
        const given = this.valid(question).flat();
        const found = this.valid(answer).flat();
        const changed = given.findIndex((digit, cell) => digit !== 0 && digit !== found[cell]);
        if (changed >= 0) {
            return `the given ${symbolOf(given[changed])} at ${this.place(changed)} became ${symbolOf(found[changed])}`;
        }
        const blank = found.indexOf(0);
        return blank >= 0 ? `${this.place(blank)} is blank` : this.clash(found);
    }

    /**
     * Givens kept and every digit in every row, column and box.
     *
     * @param {ArrayLike<number>} question tokens
     * @param {ArrayLike<number>} answer tokens
     */
    solved(question, answer) {
        const seen = new Int32Array(3 * this.side); // one bit a digit, by unit
        for (let cell = 0; cell < this.seqLen; cell++) {
            const token = answer[cell];
            if (token < 2 || token > this.side + 1 || (question[cell] > 1 && question[cell] !== token)) return false;
            for (const unit of this.units[cell]) {
                if (seen[unit] & (1 << token)) return false;
                seen[unit] |= 1 << token;
            }
        }
        return true;
    }

    /** @param {string} text */
    grid(text) {
        const lines = splitLines(text)
            .map((line) => ({ line, symbols: [...symbolsOf(line)] }))
            .filter(({ symbols }) => symbols.length > 0);
        const { side, seqLen } = this;
        if (lines.length === 1) {
            const digits = this.read(lines[0].line, lines[0].symbols, "");
            if (digits.length !== seqLen) {
                throw new InvalidPuzzle(`${digits.length} cells given; a ${side}x${side} Sudoku has ${seqLen}`);
            }
            return toGrid(digits, side);
        }
        const rows = lines.map(({ line, symbols }, index) => {
            const row = this.read(line, symbols, `row ${index + 1}, `);
            if (row.length === side) return row;
            throw new InvalidPuzzle(`row ${index + 1} has ${row.length} cells; each of the ${side} rows needs ${side}`);
        });
        if (rows.length !== side) {
            throw new InvalidPuzzle(`${rows.length} rows given; a ${side}x${side} Sudoku has ${side}`);
        }
        return rows;
    }

    /** @param {string} line @param {string[]} symbols @param {string} place of the line */
    read(line, symbols, place) {
        return symbols.map((symbol) => {
            const digit = this.digits.get(symbol);
            if (digit !== undefined) return digit;
            const last = SYMBOLS[this.side - 1];
            const allowed = this.side <= 9 ? `1-${last}` : `1-9, A-${last}`;
            const where = `${place}character ${[...line].indexOf(symbol) + 1}`;
            throw new InvalidPuzzle(`${where} is ${repr(symbol)}; allowed are ${allowed}, and . or 0 for a blank`);
        });
    }

    /** The first digit that is twice in a row, column or box.  @param {number[]} cells */
    clash(cells) {
        const { side } = this;
        /** @type {number[][][]} */
        const places = Array.from({ length: 3 * side }, () => Array.from({ length: side + 1 }, () => []));
        cells.forEach((digit, cell) => {
            for (const unit of this.units[cell]) places[unit][digit].push(cell);
        });
        for (const [unit, byDigit] of places.entries()) {
            const digit = byDigit.findIndex((found, value) => value > 0 && found.length > 1);
            if (digit < 0) continue;
            const kind = ["row", "column", "box"][Math.floor(unit / side)];
            const [first, second] = byDigit[digit].map((cell) => this.place(cell));
            return `${symbolOf(digit)} is twice in ${kind} ${(unit % side) + 1} (${first} and ${second})`;
        }
        return null;
    }

    /** @param {number} cell */
    place(cell) {
        return `row ${Math.floor(cell / this.side) + 1}, column ${(cell % this.side) + 1}`;
    }

    /** @param {Grid} grid */
    valid(grid) {
        const { side } = this;
        if (!hasShape(grid, side, side)) {
            throw new InvalidPuzzle(`a grid of ${shapeText(grid)} cells given; ${this.id} has ${side}x${side}`);
        }
        const { least, most } = range(grid);
        if (least < 0 || most > side) {
            throw new InvalidPuzzle(`grid values ${least}..${most} given; ${this.id} has 0 (blank) to ${side}`);
        }
        return grid;
    }
}

/** The most square box of a side, rows <= columns, or null where one side would be 1.
 * @param {number} side @returns {[number, number] | null} */
function usualBox(side) {
    for (let rows = Math.floor(Math.sqrt(side)); rows >= 2; rows--) {
        if (side % rows === 0) return [rows, side / rows];
    }
    return null;
}

/** A line without decoration, nothing for a comment.  @param {string} line */
function symbolsOf(line) {
    return COMMENT.test(line) ? "" : line.replace(DECORATION, "");
}

/** @param {number} digit */
export function symbolOf(digit) {
    return digit === 0 ? "." : SYMBOLS[digit - 1];
}
