/**
 * ARC grids on a square canvas: text, JSON and tokens. ARC has no rules to check an answer by. A grid holds colours
 * 0..9 and has any size up to the canvas. Tokens are those of the official datasets: 0 pad, 1 end of row or column,
 * colour c = c + 2, row by row over the canvas.
 */

import { InvalidInput, InvalidPuzzle } from "../errors.js";
import { NotJson, parse, reprParsed } from "../json.js";
import { SPACE, repr } from "../python.js";
import { hasShape, range, shapeText } from "./grids.js";

/** @typedef {import("../types.js").Grid} Grid */
/** @typedef {import("../types.js").Task} Task */

const COLOURS = 10;
const [PAD, END, FIRST_COLOUR] = [0, 1, 2];
const [MIN_SIDE, MAX_SIDE] = [2, 30];
const ID = /^arc-(\d{1,2})x(\d{1,2})$/;
const BETWEEN = new RegExp(`[${SPACE},]`, "g");
const IS_JSON = new RegExp(`^[${SPACE}]*[[{]`);

/** @implements {Task} */
export class ArcTask {
    family = "arc";
    hasRules = false;
    vocabSize = COLOURS + FIRST_COLOUR;

    /**
     * @param {number} canvas side of the canvas; officially 30
     * @throws {InvalidInput} below 2 or above 30
     */
    constructor(canvas) {
        if (canvas < MIN_SIDE || canvas > MAX_SIDE) {
            throw new InvalidInput(
                `An ARC canvas of ${canvas}x${canvas} cells: its side is ${MIN_SIDE} to ${MAX_SIDE}`,
            );
        }
        this.canvas = canvas;
        this.seqLen = canvas * canvas;
        this.id = `arc-${canvas}x${canvas}`;
    }

    /** `arc-NxN`.  @param {string} id @throws {InvalidInput} */
    static fromId(id) {
        const match = ID.exec(id);
        if (match === null || match[1] !== match[2]) {
            throw new InvalidInput(`Task id '${id}': an ARC canvas is named arc-NxN, for example arc-30x30`);
        }
        return new ArcTask(Number(match[1]));
    }

    /**
     * Read one grid, as rows of digits on lines or between slashes (`012/345`), or as JSON (`[[0,1],[2,3]]`); or an ARC
     * task as JSON, of which the first test pair is taken.
     *
     * @param {string} text
     * @throws {InvalidPuzzle}
     */
    parse(text) {
        if (!IS_JSON.test(text)) return { question: this.digits(text) };
        const document = readJson(text);
        return { question: Array.isArray(document) ? this.grid(document, "the grid") : this.firstTest(document) };
    }

    /** Rows of digits between slashes: `012/345`.  @param {Grid} grid */
    format(grid) {
        return this.valid(grid)
            .map((row) => row.join(""))
            .join("/");
    }

    /** Colours + 2 in the top left corner, ends below and right of them where they fit, pads elsewhere.
     * @param {Grid} grid */
    encode(grid) {
        const { canvas } = this;
        const [rows, columns] = [this.valid(grid).length, grid[0].length];
        const tokens = new Int32Array(this.seqLen).fill(PAD);
        for (let row = 0; row < Math.min(rows + 1, canvas); row++) {
            for (let column = 0; column < Math.min(columns + 1, canvas); column++) {
                const inside = row < rows && column < columns;
                const corner = row === rows && column === columns;
                tokens[row * canvas + column] = inside ? grid[row][column] + FIRST_COLOUR : corner ? PAD : END;
            }
        }
        return tokens;
    }

    /** The largest rectangle of colours from the top left corner; of equally large ones the one with fewest rows. No
     * colour in the corner gives a grid without rows.  @param {ArrayLike<number>} tokens @returns {Grid} */
    decode(tokens) {
        const { canvas } = this;
        let [rows, columns, width] = [0, 0, canvas];
        for (let row = 0; row < canvas; row++) {
            let reach = 0; // colours before the first other token
            while (reach < width && isColour(tokens[row * canvas + reach])) reach++;
            width = reach;
            if (width * (row + 1) > rows * columns) [rows, columns] = [row + 1, width];
        }
        return Array.from({ length: rows }, (_, row) =>
            Array.from({ length: columns }, (_, column) => tokens[row * canvas + column] - FIRST_COLOUR),
        );
    }

    /** Always a reason: nothing in an ARC question tells which answer is right.  @returns {string | null} */
    check() {
        return "ARC has no rules to check an answer by: compare it with the known output";
    }

    solved() {
        return false;
    }

    /** @param {string} text */
    digits(text) {
        const rows = text
            .split(/[/\n]/)
            .map((row) => [...row.replace(BETWEEN, "")])
            .filter((row) => row.length > 0);
        for (const [index, row] of rows.entries()) {
            const wrong = row.findIndex((symbol) => !/^[0-9]$/.test(symbol));
            if (wrong >= 0) {
                throw new InvalidPuzzle(
                    `row ${index + 1}, column ${wrong + 1} is ${repr(row[wrong])}; colours are the digits 0 to 9`,
                );
            }
        }
        return this.grid(
            rows.map((row) => row.map(Number)),
            "the grid",
        );
    }

    /** The question of the first test pair; all test pairs of that task must be readable.  @param {unknown} document */
    firstTest(document) {
        if (!(document instanceof Map) || document.size === 0) {
            throw new InvalidPuzzle(
                'not an ARC task: expected {"train": [...], "test": [...]} or a map from names to such',
            );
        }
        const named = !document.has("train") && !document.has("test");
        const [name, task] = named ? [...document][0] : ["", document];
        if (!(task instanceof Map) || !task.has("test")) {
            throw new InvalidPuzzle(`${name || "the document"}: an ARC task is an object with "train" and "test"`);
        }
        const path = named ? `${name}.` : "";
        const pairs = task.get("test");
        if (!Array.isArray(pairs) || pairs.length === 0) {
            throw new InvalidPuzzle(`${path}test: expected a list of pairs, at least one in test`);
        }
        return this.pair(pairs[0], `${path}test[0]`);
    }

    /** @param {unknown} pair @param {string} path */
    pair(pair, path) {
        if (!(pair instanceof Map) || !pair.has("input")) {
            throw new InvalidPuzzle(`${path}: expected an object with "input" and "output"`);
        }
        const question = this.grid(pair.get("input"), `${path}.input`);
        const output = pair.get("output") ?? null; // left out where the answer is secret
        if (output !== null) this.grid(output, `${path}.output`);
        return question;
    }

    /** Nested arrays as a grid; complaints begin with `path`.
     * @param {unknown} rows @param {string} path @returns {Grid} */
    grid(rows, path) {
        if (!Array.isArray(rows) || !rows.length || !rows.every((row) => Array.isArray(row) && row.length)) {
            throw new InvalidPuzzle(`${path} has no cells; expected rows of colours 0 to 9`);
        }
        const [height, width] = [rows.length, rows[0].length];
        if (Math.max(height, width) > this.canvas) {
            throw new InvalidPuzzle(
                `${path} has ${height}x${width} cells; ${this.id} holds ${this.canvas}x${this.canvas} at most`,
            );
        }
        for (const [index, row] of rows.entries()) {
            if (row.length !== width) {
                throw new InvalidPuzzle(`${path}: row ${index + 1} has ${row.length} cells, row 1 has ${width}`);
            }
            const wrong = row.findIndex(
                (/** @type {unknown} */ cell) => ![0, 1, 2, 3, 4, 5, 6, 7, 8, 9].includes(/** @type {number} */ (cell)),
            );
            if (wrong >= 0) {
                const shown = [...reprParsed(row[wrong])].slice(0, 20).join("");
                throw new InvalidPuzzle(
                    `${path}: row ${index + 1}, column ${wrong + 1} is ${shown}; colours are 0 to 9`,
                );
            }
        }
        return rows;
    }

    /** @param {Grid} grid */
    valid(grid) {
        const { canvas } = this;
        const [rows, columns] = [grid.length, grid[0]?.length ?? 0];
        if (!rows || !columns || Math.max(rows, columns) > canvas || !hasShape(grid, rows, columns)) {
            throw new InvalidPuzzle(
                `a grid of ${shapeText(grid)} cells given; ${this.id} holds 1x1 to ${canvas}x${canvas}`,
            );
        }
        const { least, most } = range(grid);
        if (least < 0 || most >= COLOURS) {
            throw new InvalidPuzzle(`grid values ${least}..${most} given; colours are 0 to ${COLOURS - 1}`);
        }
        return grid;
    }
}

/** @param {number} token */
function isColour(token) {
    return token >= FIRST_COLOUR && token < FIRST_COLOUR + COLOURS;
}

/** @param {string} text */
function readJson(text) {
    try {
        return parse(text, { constants: true }); // NaN is no colour, and is said to be none
    } catch (error) {
        if (!(error instanceof NotJson)) throw error;
        throw new InvalidPuzzle(
            error.line
                ? `line ${error.line}, column ${error.column}: not readable as JSON (${error.reason})`
                : "not an ARC task: a number is too long, or the JSON is nested too deeply",
        );
    }
}
