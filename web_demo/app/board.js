/**
 * The board: a grid of cells that can be walked through with the arrow keys and filled. It draws what it is told and
 * reports what was typed; knows neither tasks nor models.
 */

import { element } from "./dom.js";

/** @typedef {import("./looks.js").Cell} Cell */

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * @typedef {object} Listener
 * @property {(row: number, column: number, key: string) => boolean} typed a key that is not for moving; whether it
 *     meant something. Emptying is the key "Delete".
 * @property {(text: string) => void} pasted
 */

export class Board {
    /** @type {HTMLElement[][]} */
    #cells = [];
    #row = 0;
    #column = 0;

    /**
     * @param {HTMLElement} root an empty element with the role `grid`
     * @param {Listener} listener
     */
    constructor(root, listener) {
        this.root = root;
        this.listener = listener;
        root.addEventListener("keydown", (event) => this.#key(event));
        root.addEventListener("pointerdown", (event) => this.#point(event));
        root.addEventListener("focusin", (event) => this.#focused(event));
        root.addEventListener("paste", (event) => {
            event.preventDefault();
            listener.pasted(event.clipboardData?.getData("text") ?? "");
        });
    }

    /** Row and column of the chosen cell, from 0. */
    get chosen() {
        return { row: this.#row, column: this.#column };
    }

    /**
     * Draw cells in place of those that are there.
     *
     * @param {Cell[][]} cells
     * @param {boolean[][] | null} changed cells to mark
     * @param {[number, number] | null} box rows and columns between bold lines
     */
    show(cells, changed, box) {
        const columns = cells[0]?.length ?? 0;
        if (cells.length !== this.#cells.length || columns !== this.#cells[0]?.length)
            this.#build(cells.length, columns);
        cells.forEach((row, r) =>
            row.forEach((cell, c) => {
                const place = this.#cells[r][c];
                const mark = changed?.[r]?.[c] ?? false;
                const bold =
                    box &&
                    (r % box[0] === 0 && r > 0 ? " below-line" : "") + (c % box[1] === 0 && c > 0 ? " after-line" : "");
                const classes = `cell ${cell.classes}${mark ? " changed" : ""}${bold ?? ""}`;
                const words = `row ${r + 1}, column ${c + 1}: ${cell.words}${mark ? ", changed" : ""}`;
                if (place.className !== classes) place.className = classes;
                if (place.textContent !== cell.text) place.textContent = cell.text;
                if (place.ariaLabel !== words) place.ariaLabel = words;
            }),
        );
    }

    /** Put the keyboard into the chosen cell. */
    focus() {
        this.#cells[this.#row]?.[this.#column]?.focus();
    }

    /**
     * @param {number} rows
     * @param {number} columns
     */
    #build(rows, columns) {
        const held = this.root.contains(document.activeElement);
        this.#cells = Array.from({ length: rows }, () =>
            Array.from({ length: columns }, () => element("div", { role: "gridcell", tabindex: -1 })),
        );
        this.root.replaceChildren(...this.#cells.map((row) => element("div", { role: "row", class: "row" }, ...row)));
        this.root.style.setProperty("--columns", String(Math.max(1, columns)));
        this.root.style.setProperty("--rows", String(Math.max(1, rows)));
        this.#choose(Math.min(this.#row, Math.max(0, rows - 1)), Math.min(this.#column, Math.max(0, columns - 1)));
        if (held) this.focus();
    }

    /**
     * @param {number} row
     * @param {number} column
     */
    #choose(row, column) {
        this.#cells[this.#row]?.[this.#column]?.setAttribute("tabindex", "-1");
        this.#row = row;
        this.#column = column;
        this.#cells[row]?.[column]?.setAttribute("tabindex", "0");
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        if (event.altKey || this.#cells.length === 0) return;
        const last = { row: this.#cells.length - 1, column: this.#cells[0].length - 1 };
        const arrow = ARROWS[event.key];
        let { row, column } = this.chosen;
        if (arrow && !event.ctrlKey && !event.metaKey) {
            row = Math.min(last.row, Math.max(0, row + arrow[0]));
            column = Math.min(last.column, Math.max(0, column + arrow[1]));
        } else if (event.key === "Home" || event.key === "End") {
            column = event.key === "Home" ? 0 : last.column;
            if (event.ctrlKey) row = event.key === "Home" ? 0 : last.row;
        } else {
            if (event.ctrlKey || event.metaKey) return;
            const key = event.key === "Backspace" ? "Delete" : event.key;
            if ((key.length === 1 || key === "Delete") && this.listener.typed(row, column, key)) event.preventDefault();
            return;
        }
        event.preventDefault();
        this.#choose(row, column);
        this.focus();
    }

    /** @param {PointerEvent} event */
    #point(event) {
        const place = this.#placeOf(event.target);
        if (!place) return;
        event.preventDefault();
        this.#choose(...place);
        this.focus();
    }

    /** @param {FocusEvent} event */
    #focused(event) {
        const place = this.#placeOf(event.target);
        if (place) this.#choose(...place);
        else this.focus(); // the link "Skip to the puzzle" leads to the grid itself
    }

    /**
     * @param {EventTarget | null} target
     * @returns {[number, number] | null}
     */
    #placeOf(target) {
        for (const [row, cells] of this.#cells.entries()) {
            const column = cells.indexOf(/** @type {HTMLElement} */ (target));
            if (column >= 0) return [row, column];
        }
        return null;
    }
}
