/**
 * The puzzle that is to be solved: taken from the bundle's examples, typed into the board, or read from text. Also draws
 * answers to it. Knows the task's codec (core/tasks.js) and no model.
 */

import { getTask } from "../core/tasks.js";
import { Board } from "./board.js";
import { byId, element, fill, say } from "./dom.js";
import { looksOf } from "./looks.js";
import { complaint, counted } from "./words.js";

/** @typedef {import("../core/types.js").Grid} Grid */
/** @typedef {import("../core/types.js").Task} Task */
/** @typedef {import("./model.js").Opened} Opened */

const MOST_EXAMPLES = 50;
const OWN = "own";

export class Puzzle {
    /** @type {Task | null} */
    task = null;
    /** @type {Grid} */
    question = [];
    /** @type {import("./looks.js").Looks | null} */
    #looks = null;
    /** @type {Grid[]} */
    #examples = [];
    /** @type {number[]} */
    #exampleIds = [];

    /** @param {() => void} changed is told when the question has become another one */
    constructor(changed) {
        this.changed = changed;
        this.examples = byId("examples", HTMLSelectElement);
        this.ids = byId("puzzle-id", HTMLSelectElement);
        this.text = byId("text", HTMLTextAreaElement);
        this.rows = byId("rows", HTMLInputElement);
        this.columns = byId("columns", HTMLInputElement);
        this.error = byId("puzzle-error", HTMLElement);
        this.clear = byId("clear", HTMLButtonElement);
        this.board = new Board(byId("board", HTMLElement), {
            typed: (row, column, key) => this.#typed(row, column, key),
            pasted: (text) => this.#read(text),
        });
        this.examples.addEventListener("change", () => this.#example(this.examples.value));
        this.ids.addEventListener("change", () => this.changed());
        this.clear.addEventListener("click", () => this.#looks && this.#own(this.#looks.empty()));
        byId("read-text", HTMLButtonElement).addEventListener("click", () => this.#read(this.text.value));
        for (const input of [this.rows, this.columns]) input.addEventListener("change", () => this.#resize());
    }

    /** Nothing is open. */
    close() {
        this.task = null;
        this.#looks = null;
        this.question = [];
        this.board.show([], null, null);
        this.clear.disabled = true;
        fill(this.examples, []);
        say(this.error, null);
        byId("keys", HTMLElement).replaceChildren();
        byId("board-help", HTMLElement).textContent = "";
    }

    /**
     * Take the task and the examples of a bundle.
     *
     * @param {Opened} opened
     */
    open({ manifest, golden }) {
        const task = getTask(manifest.task);
        const looks = looksOf(task);
        this.task = task;
        this.#looks = looks;
        this.#examples = golden?.questions.slice(0, MOST_EXAMPLES) ?? [];
        this.#exampleIds = golden?.puzzleIds ?? [];
        this.clear.disabled = false;
        byId("board-help", HTMLElement).textContent = looks.help;
        byId("board", HTMLElement).ariaLabel = looks.title;
        byId("board", HTMLElement).dataset.family = task.family;
        byId("size-line", HTMLElement).hidden = looks.canvas === null;
        this.rows.max = this.columns.max = String(looks.canvas ?? "");
        byId("puzzle-id-field", HTMLElement).hidden = manifest.puzzles.length === 0;
        fill(
            this.ids,
            manifest.puzzles.map((id) => ({ value: String(id), text: String(id) })),
        );
        byId("keys", HTMLElement).replaceChildren(...looks.keys.map((key) => this.#keyButton(key)));
        fill(this.examples, [
            ...this.#examples.map((grid, index) => ({
                value: String(index),
                text: `${index + 1}: ${described(task, grid)}`,
            })),
            { value: OWN, text: "your own" },
        ]);
        if (this.#examples.length) this.#example("0");
        else this.#own(looks.empty());
    }

    /** Original id of the puzzle embedding, 0 if the bundle has none. */
    get puzzleId() {
        return Number(this.ids.value || 0);
    }

    /** The examples as text, with the ids of their puzzle embeddings. */
    exampleTexts() {
        const { task } = this;
        if (!task) return [];
        return this.#examples.map((grid, index) => ({
            question: task.format(grid),
            puzzleId: this.#exampleIds[index] ?? 0,
        }));
    }

    /**
     * Draw the question, or an answer to it.
     *
     * @param {Grid} grid
     * @param {boolean[][] | null} changed cells to mark
     */
    show(grid, changed) {
        if (!this.#looks) return;
        this.board.show(this.#looks.cells(grid, this.question), changed, this.#looks.box);
    }

    /**
     * @param {number} row
     * @param {number} column
     * @param {string} key
     */
    #typed(row, column, key) {
        if (!this.#looks) return false;
        const value = key === "Delete" ? this.#looks.blank : this.#looks.valueOf(key);
        if (value !== null) this.#put(row, column, value);
        return value !== null;
    }

    /**
     * @param {number} row
     * @param {number} column
     * @param {number} value
     */
    #put(row, column, value) {
        if (row >= this.question.length || column >= this.question[0].length) return; // of an answer that is larger
        const grid = this.question.map((cells) => [...cells]);
        grid[row][column] = value;
        this.#own(grid);
    }

    /** @param {string} text */
    #read(text) {
        if (!this.task) return;
        try {
            this.#own(this.task.parse(text).question);
        } catch (error) {
            say(this.error, complaint(error));
        }
    }

    /** A number of rows and columns for a grid that has no size of its own. */
    #resize() {
        const most = Number(this.rows.max);
        const [rows, columns] = [this.rows, this.columns].map((input) => Number(input.value));
        if (![rows, columns].every((side) => Number.isInteger(side) && side >= 1 && side <= most)) {
            say(this.error, `${this.rows.value}×${this.columns.value} cells given; each side is 1 to ${most}`);
            return;
        }
        const cell = (/** @type {number} */ r, /** @type {number} */ c) => this.question[r]?.[c] ?? 0;
        this.#own(Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => cell(r, c))));
    }

    /** @param {string} value */
    #example(value) {
        if (value === OWN) {
            this.#own(this.question);
            return;
        }
        const id = this.#exampleIds[Number(value)];
        if (id !== undefined) this.ids.value = String(id);
        this.examples.value = value;
        this.#set(this.#examples[Number(value)]);
    }

    /** @param {Grid} grid */
    #own(grid) {
        this.examples.value = OWN;
        this.#set(grid);
    }

    /** @param {Grid} grid */
    #set(grid) {
        this.question = grid;
        this.rows.value = String(grid.length);
        this.columns.value = String(grid[0]?.length ?? 0);
        if (this.task) {
            const most = String(Math.round(Math.sqrt(this.task.seqLen)));
            this.rows.max = this.columns.max = most;
            this.text.value = this.task.format(grid);
        }
        say(this.error, null);
        this.changed();
    }

    /** @param {import("./looks.js").Key} key */
    #keyButton({ value, text, classes, words }) {
        const button = element("button", { type: "button", class: `key ${classes}`, "aria-label": words }, text);
        button.addEventListener("click", () => {
            const { row, column } = this.board.chosen;
            this.#put(row, column, value);
        });
        return button;
    }
}

/**
 * @param {Task} task
 * @param {Grid} grid
 */
function described(task, grid) {
    if (task.family === "sudoku") return counted(grid.flat().filter(Boolean).length, "given");
    return `${grid.length}×${grid[0].length}`;
}
