/**
 * The form that says what computes: WebAssembly with a number of threads, or WebGPU where there is one. Says why
 * something cannot be chosen. Knows the browser, and neither bundles nor puzzles.
 */

import { byId, fill, say } from "./dom.js";
import { counted, milliseconds } from "./words.js";

export class EngineForm {
    constructor() {
        this.note = byId("engine-note", HTMLElement);
        this.threads = byId("threads", HTMLSelectElement);
        this.webgpu = /** @type {HTMLInputElement} */ (document.querySelector("input[name=provider][value=webgpu]"));
        this.wasm = /** @type {HTMLInputElement} */ (document.querySelector("input[name=provider][value=wasm]"));
        const cores = globalThis.crossOriginIsolated ? Math.max(1, navigator.hardwareConcurrency) : 1;
        const choices = [1, 2, 4, 8, 16].filter((count) => count < cores).concat(cores);
        const chosen = String(Math.min(4, cores)); // more gain little on models this small
        fill(
            this.threads,
            choices.map((count) => ({ value: String(count), text: String(count) })),
            chosen,
        );
        this.threads.disabled = choices.length === 1;
        for (const input of [this.wasm, this.webgpu]) input.addEventListener("change", () => this.#draw());
        /** @type {string[]} */
        this.reasons = globalThis.crossOriginIsolated
            ? []
            : ["One thread: the page is not isolated, its host sends no COOP and COEP headers."];
        this.#draw();
    }

    /** Look for a graphics processor. */
    async look() {
        const reason = await withoutWebgpu();
        this.webgpu.disabled = reason !== null;
        if (reason) this.reasons.push(`No WebGPU: ${reason}.`);
        this.#draw();
    }

    /** @returns {{ provider: "wasm" | "webgpu", threads: number | null }} */
    read() {
        const provider = this.webgpu.checked ? "webgpu" : "wasm";
        return { provider, threads: provider === "wasm" ? Number(this.threads.value) : null };
    }

    /** Say what was started.  @param {import("./model.js").Started} started */
    started({ provider, threads, reasons, seconds }) {
        const what = provider === "webgpu" ? "WebGPU" : `WebAssembly with ${counted(threads, "thread")}`;
        const why = reasons.map(({ provider: name, reason }) => `${name}: ${reason}`);
        say(this.note, [`Runs on ${what}, started in ${milliseconds(1000 * seconds)}.`, ...why].join(" "));
    }

    #draw() {
        byId("threads-field", HTMLElement).hidden = this.webgpu.checked;
        say(this.note, this.reasons.join(" ") || null);
    }
}

/** Why there is no WebGPU, null: there is. */
async function withoutWebgpu() {
    if (!globalThis.isSecureContext) return "the page must come over https or from this machine";
    const gpu = /** @type {any} */ (navigator).gpu;
    if (!gpu) return "this browser does not offer it";
    try {
        return (await gpu.requestAdapter()) ? null : "the browser finds no graphics processor that it can use";
    } catch (error) {
        return String(error);
    }
}
