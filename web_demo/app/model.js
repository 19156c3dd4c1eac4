/**
 * The model that is open: a bundle and an engine in a worker of their own (worker.js). Knows in which order things are
 * asked for, and when a worker has to be replaced; knows no element of the page.
 */

import { Client, WorkerError } from "../core/client.js";

/** @typedef {import("../core/types.js").Grid} Grid */
/** @typedef {{ folder: string } | { file: File }} Source */
/** @typedef {{ provider: "wasm" | "webgpu", threads: number | null }} Settings */
/** @typedef {{ provider: string, threads: number, reasons: { provider: string, reason: string }[], seconds: number }} Started */

/**
 * @typedef {object} Opened
 * @property {import("../core/manifest.js").Manifest} manifest
 * @property {string | null} card
 * @property {{ questions: Grid[], puzzleIds: number[], haltingSteps: number[] } | null} golden
 * @property {number} bytes
 */

export class Model {
    /** @type {Client | null} */
    #client = null;
    /** @type {Source | null} */
    #source = null;
    /** @type {string | null} settings that the worker's engine was started with */
    #started = null;
    /** @type {Started | null} */
    #engine = null;
    /** @type {number | null} the request that can be stopped */
    #running = null;
    #stopped = false; // whether that was asked to end

    /**
     * Read and check a bundle, in a fresh worker. What went on before is ended.
     *
     * @param {Source} source
     * @returns {Promise<Opened>}
     */
    open(source) {
        this.#source = source;
        return this.#reopen();
    }

    /**
     * Start the engine, unless it runs with these settings.
     *
     * @param {Settings} settings
     * @returns {Promise<Started>}
     */
    async start({ provider, threads }) {
        const wanted = JSON.stringify([provider, threads]);
        if (this.#engine && wanted === this.#started) return this.#engine;
        if (this.#started !== null) await this.#reopen(); // the number of threads is set once in the life of a worker
        this.#started = wanted;
        this.#engine = await this.#ask("start", { providers: [provider], threads });
        if (this.#stopped) throw new WorkerError("Stopped", "stopped"); // loading cannot be cut short
        return /** @type {Started} */ (this.#engine);
    }

    /**
     * Solve one puzzle.
     *
     * @param {{ question: string, puzzleId: number }} puzzle
     * @param {{ policy: string, budget: number, steps: boolean }} options
     * @param {(event: any) => void} on told steps and the solution
     */
    solve(puzzle, { policy, budget, steps }, on) {
        return this.#ask("solve", { puzzles: [puzzle], policy, budget, steps, batch: 1 }, on);
    }

    /**
     * @param {object} request see worker.js
     * @param {(event: any) => void} on told the progress
     * @returns {Promise<{ results: any, summary: any }>}
     */
    profile(request, on) {
        return this.#ask("profile", request, on);
    }

    /** End what goes on after the step it is at. */
    stop() {
        if (this.#running === null) return;
        this.#stopped = true;
        this.#client?.stop(this.#running).catch(() => {}); // the worker was ended meanwhile, and all with it
    }

    #reopen() {
        this.#client?.terminate();
        this.#client = new Client(new Worker(new URL("../worker.js", import.meta.url), { type: "module" }));
        this.#started = null;
        this.#engine = null;
        return this.#ask("open", { source: this.#source });
    }

    /**
     * @param {string} kind
     * @param {object} content
     * @param {(event: any) => void} [on]
     */
    async #ask(kind, content, on) {
        if (!this.#client) throw new Error("open a bundle first");
        const request = this.#client.request(kind, content, on);
        this.#running = request.id;
        this.#stopped = false;
        try {
            return await request;
        } finally {
            if (this.#running === request.id) this.#running = null;
        }
    }
}
