/**
 * What `worker.js` does for a page: one bundle, one engine, requests one after the other. The protocol is described in
 * worker.js. Knows messages; does not know how they travel, nor where the library comes from.
 */

import { readFiles, readFolder, readZip } from "./bundle.js";
import { Engine } from "./engine.js";
import { InvalidInput, Stopped, TrmEdgeError, oneLine } from "./errors.js";
import { machineFacts } from "./machine.js";
import { profile, summarize } from "./profile.js";
import { Solver } from "./solver.js";
import { getTask } from "./tasks.js";

/** @typedef {import("./types.js").Grid} Grid */
/** A puzzle in a request.
 * @typedef {{ question: string | Grid, answer?: string | Grid | null, puzzleId?: number }} Asked */
/** @typedef {{ id: number, kind: string, [field: string]: any }} Message */

export class Service {
    #post;
    #load;
    /** @type {import("./bundle.js").Bundle | null} */
    #bundle = null;
    /** @type {import("./types.js").Task | null} */
    #task = null;
    /** @type {Engine | null} */
    #engine = null;
    /** @type {Map<number, AbortController>} requests that have not ended */
    #open = new Map();
    /** @type {Promise<void>} the end of the requests so far */
    #last = Promise.resolve();

    /**
     * @param {(message: Message) => void} post sends an answer
     * @param {(provider: import("./engine.js").Provider) => Promise<import("./engine.js").Ort>} load the library
     */
    constructor(post, load) {
        this.#post = post;
        this.#load = load;
    }

    /**
     * Take a request.
     *
     * @param {Message} message
     * @returns {Promise<void>} when it has ended
     */
    handle(message) {
        const { id, kind } = message;
        if (kind === "stop") {
            this.#open.get(message.target)?.abort();
            this.#post({ id, kind: "stopping" });
            return Promise.resolve();
        }
        const controller = new AbortController();
        this.#open.set(id, controller);
        this.#last = this.#last.then(() => this.#answer(message, controller.signal));
        return this.#last;
    }

    /** @param {Message} message @param {AbortSignal} signal */
    async #answer(message, signal) {
        const { id, kind } = message;
        const on = (/** @type {object} */ event) => this.#post({ id, .../** @type {any} */ (event) });
        try {
            if (signal.aborted) throw new Stopped();
            this.#post({ id, ...(await this.#perform(kind, message, signal, on)) });
        } catch (error) {
            const known = error instanceof TrmEdgeError;
            const name = signal.aborted ? "Stopped" : known ? error.name : "Error";
            this.#post({ id, kind: "error", name, message: oneLine(error) });
        } finally {
            this.#open.delete(id);
        }
    }

    /**
     * @param {string} kind
     * @param {Message} message
     * @param {AbortSignal} signal
     * @param {(event: object) => void} on
     * @returns {Promise<{ kind: string, [field: string]: any }>} the last answer
     */
    async #perform(kind, message, signal, on) {
        switch (kind) {
            case "open":
                return this.#read(message.source, signal);
            case "start":
                return this.#start(message);
            case "solve":
                return this.#solve(message, signal, on);
            case "profile":
                return this.#profile(message, signal, on);
            case "close":
                await this.#close();
                return { kind: "closed" };
            default:
                throw new InvalidInput(`Unknown request '${kind}'. Allowed: open, start, solve, profile, stop, close.`);
        }
    }

    /** @param {{ folder?: string, file?: File, files?: File[] }} source @param {AbortSignal} signal */
    async #read({ folder, file, files }, signal) {
        await this.#close();
        const bundle = folder
            ? await readFolder(folder, { signal })
            : file
              ? await readZip(file)
              : await readFiles(files ?? []);
        const { manifest } = bundle;
        const task = getTask(manifest.task);
        const golden = bundle.hasGolden ? bundle.golden() : null;
        this.#bundle = bundle;
        this.#task = task;
        return {
            kind: "opened",
            manifest,
            card: bundle.card(),
            golden: golden && {
                questions: golden.tokens.map((tokens) => task.decode(tokens)),
                answers: golden.answers.map((tokens) => task.decode(tokens)),
                puzzleIds: [...golden.puzzleIds],
                haltingSteps: [...golden.haltingSteps],
                steps: golden.qHalt.length,
            },
            bytes: bundle.bytes,
        };
    }

    /** @param {Record<string, any>} wish `providers` and `threads`, both may be left out */
    async #start({ providers, threads }) {
        const began = performance.now();
        const { bundle } = this.#opened();
        await this.#engine?.close();
        this.#engine = null;
        const engine = await Engine.open(bundle, { load: this.#load, providers, threads });
        this.#engine = engine;
        const seconds = (performance.now() - began) / 1000;
        return {
            kind: "started",
            provider: engine.provider,
            detail: engine.detail,
            threads: engine.threads,
            reasons: engine.reasons,
            seconds,
        };
    }

    /**
     * @param {Message} message
     * @param {AbortSignal} signal
     * @param {(event: object) => void} on
     */
    async #solve({ puzzles, policy, budget, batch, steps }, signal, on) {
        const { task } = this.#opened();
        const engine = await this.#running();
        const solver = new Solver(engine, task, { policy, budget, batchSize: batch });
        const began = performance.now();
        const onStep = (/** @type {import("./types.js").StepEvent} */ { answer, ...event }) =>
            on({ kind: "step", ...event, answer: task.decode(answer) });
        let count = 0;
        const asked = puzzles.map((/** @type {Asked} */ one) => toPuzzle(task, one));
        for await (const found of solver.solveMany(asked, { signal, ...(steps ? { onStep } : {}) })) {
            count++;
            const { number, grid, steps: used, qHalt, halted, solved } = found;
            const milliseconds = performance.now() - began;
            on({ kind: "solution", puzzle: number, answer: grid, steps: used, qHalt, halted, solved, milliseconds });
        }
        return { kind: "solved", count, seconds: (performance.now() - began) / 1000 };
    }

    /**
     * @param {Message} message
     * @param {AbortSignal} signal
     * @param {(event: object) => void} on
     */
    async #profile({ puzzles, rounds, budget, policy, name, data }, signal, on) {
        const { bundle, task } = this.#opened();
        const engine = await this.#running();
        const asked = puzzles.map((/** @type {Asked} */ one) => toPuzzle(task, one));
        const results = await profile(engine, task, asked, {
            rounds,
            budget,
            policy,
            name: name ?? bundle.manifest.name,
            data: data ?? `${asked.length} puzzles`,
            side: { ...engine.side, fileBytes: bundle.model().length },
            versions: engine.versions,
            machine: machineFacts(),
            onProgress: (done, total) => on({ kind: "progress", done, total }),
            signal,
        });
        return { kind: "profiled", results, summary: summarize(results) };
    }

    #opened() {
        if (!this.#bundle || !this.#task) throw new InvalidInput("No bundle is open: send 'open' first");
        return { bundle: this.#bundle, task: this.#task };
    }

    /** The engine, started with its defaults if nobody has. */
    async #running() {
        if (!this.#engine) await this.#start({});
        return /** @type {Engine} */ (this.#engine);
    }

    async #close() {
        await this.#engine?.close();
        this.#bundle?.close();
        this.#engine = this.#bundle = this.#task = null;
    }
}

/** @param {import("./types.js").Task} task @param {Asked} asked */
function toPuzzle(task, { question, answer, puzzleId }) {
    const grid = (/** @type {string | Grid} */ given) =>
        typeof given === "string" ? task.parse(given).question : given;
    return { question: grid(question), puzzleId, answer: answer == null ? null : grid(answer) };
}
