/**
 * Choosing a bundle: from bundles/index.json, or a file of one's own, by the file dialog or dropped on the page. Knows
 * where bundles are, and not what is in them.
 */

import { byId, fill } from "./dom.js";
import { size } from "./words.js";

/** @typedef {import("./model.js").Source} Source */

const INDEX = "bundles/index.json";
const MAX_INDEX_BYTES = 1024 * 1024;

export class BundlePicker {
    /** @type {{ name: string, path: string, title: string, bytes: number }[]} */
    #listed = [];
    /** @type {File[]} */
    #own = [];

    /** @param {(source: Source) => void} chosen */
    constructor(chosen) {
        this.chosen = chosen;
        this.select = byId("bundles", HTMLSelectElement);
        const input = byId("own-file", HTMLInputElement);
        this.select.addEventListener("change", () => chosen(this.#source()));
        byId("load-own", HTMLButtonElement).addEventListener("click", () => input.click());
        input.addEventListener("change", () => {
            if (input.files?.[0]) this.#take(input.files[0]);
            input.value = ""; // so that the same file may be chosen again
        });
        this.#droppable(byId("drop", HTMLElement));
    }

    /**
     * Read the list and choose its first.
     *
     * @throws {Error} no list, or one that cannot be read, in one line
     */
    async look() {
        try {
            this.#listed = await listed();
        } finally {
            this.#draw("0");
        }
        if (this.#listed.length) this.chosen(this.#source());
    }

    /** @returns {Source} */
    #source() {
        const [kind, number] = this.select.value.split(":");
        if (kind === "own") return { file: this.#own[Number(number)] };
        const path = this.#listed[Number(kind)].path.split("/").map(encodeURIComponent).join("/");
        return { folder: new URL(`bundles/${path}/`, document.baseURI).href };
    }

    /** @param {File} file */
    #take(file) {
        this.#own.push(file);
        this.#draw(`own:${this.#own.length - 1}`);
        this.chosen(this.#source());
    }

    /** @param {string} chosen */
    #draw(chosen) {
        fill(
            this.select,
            [
                ...this.#listed.map(({ title, bytes }, index) => ({
                    value: String(index),
                    text: `${title} (${size(bytes)})`,
                })),
                ...this.#own.map((file, index) => ({
                    value: `own:${index}`,
                    text: `${file.name} (${size(file.size)})`,
                })),
            ],
            chosen,
        );
    }

    /** @param {HTMLElement} veil */
    #droppable(veil) {
        const files = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
        addEventListener("dragover", (event) => {
            if (!files(event)) return;
            event.preventDefault();
            veil.hidden = false;
        });
        addEventListener("dragleave", (event) => {
            if (event.relatedTarget === null) veil.hidden = true;
        });
        addEventListener("drop", (event) => {
            if (!files(event)) return;
            event.preventDefault();
            veil.hidden = true;
            const file = event.dataTransfer?.files[0];
            if (file) this.#take(file);
        });
    }
}

async function listed() {
    const how = "load a bundle of your own (.zip), or serve some: trm-edge serve BUNDLE";
    let response;
    try {
        response = await fetch(INDEX);
    } catch {
        throw new Error(`${INDEX} could not be fetched: ${how}`);
    }
    if (!response.ok) throw new Error(`There are no bundles beside this page: ${how}`);
    const text = await response.text();
    let bundles;
    try {
        bundles = text.length > MAX_INDEX_BYTES ? null : JSON.parse(text).bundles;
    } catch {
        bundles = null;
    }
    if (!Array.isArray(bundles) || !bundles.every(isEntry))
        throw new Error(`${INDEX} is not a list of bundles: ${how}`);
    return bundles;
}

/** @param {any} entry */
function isEntry(entry) {
    return (
        typeof entry?.path === "string" &&
        !entry.path.split("/").some((/** @type {string} */ part) => part === "" || part === "." || part === "..") &&
        typeof entry.title === "string" &&
        Number.isInteger(entry.bytes)
    );
}
