/**
 * The loop over supervision steps: puzzles in, solutions out, in order. Knows tasks (to encode, decode and check) and
 * sessions; knows no engine.
 *
 * For a `step` graph the batch is kept dense: a row that halts makes room at once for the next puzzle, or, when there
 * is none, for the last row. The carry a step returns is the carry the next one takes; only when rows change hands is
 * it looked at.
 */

import { InvalidInput, Refused, Stopped } from "./errors.js";
import { fixedBatch, takesPuzzleIds } from "./manifest.js";
import { breathe } from "./pause.js";
import { Act, Fixed, defaultPolicy, parsePolicy } from "./policies.js";
import { Rows } from "./rows.js";
import { argmax, firstRows, moveRow, setRow } from "./tensors.js";

/** @typedef {import("./types.js").Puzzle} Puzzle */
/** @typedef {import("./types.js").Task} Task */
/** @typedef {import("./types.js").Solution} Solution */
/** @typedef {import("./types.js").StepEvent} StepEvent */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./session.js").Tensors} Tensors */
/** @typedef {import("./tensors.js").Tensor} Tensor */
/** @typedef {import("./policies.js").Policy} Policy */

/**
 * @typedef {object} SolveOptions
 * @property {boolean} [trace] record the trajectory of each puzzle
 * @property {(event: StepEvent) => void} [onStep] is told every step of every row; of a loop graph nothing
 * @property {AbortSignal} [signal] ends it after the step it is at, with Stopped
 */

/** @typedef {Iterator<Puzzle> | AsyncIterator<Puzzle>} Queue */

const DEFAULT_BATCH = 32;

export class Solver {
    /**
     * @param {Session} session
     * @param {Task} task the task the bundle was made for
     * @param {object} [options] what is left out or null is the bundle's default
     * @param {Policy | string | null} [options.policy]
     * @param {number | null} [options.budget] most supervision steps a puzzle may take
     * @param {number | null} [options.batchSize] most puzzles in one call; a size built into the graph takes its place
     * @throws {InvalidInput} another task than the bundle's, a budget or batch size below 1, an unreadable policy
     * @throws {Refused} the graph variant cannot do what is asked; names one that can
     */
    constructor(session, task, { policy = null, budget = null, batchSize = null } = {}) {
        const { manifest } = session;
        if (task.id !== manifest.task) {
            throw new InvalidInput(`The bundle was made for the task '${manifest.task}', not '${task.id}'`);
        }
        if (task.seqLen !== manifest.seqLen || task.vocabSize !== manifest.vocabSize) {
            throw new InvalidInput(
                `The bundle has ${manifest.seqLen} tokens of ${manifest.vocabSize} values,` +
                    ` the task '${task.id}' has ${task.seqLen} of ${task.vocabSize}`,
            );
        }
        if (batchSize !== null && !(batchSize >= 1)) {
            throw new InvalidInput(`batch size must be at least 1, not ${batchSize}`);
        }
        this.session = session;
        this.task = task;
        this.policy = typeof policy === "string" ? parsePolicy(policy) : (policy ?? defaultPolicy(manifest));
        this.budget = budget ?? manifest.halting.maxSteps;
        this.batchSize = fixedBatch(manifest) ?? batchSize ?? DEFAULT_BATCH;
        if (!(Number.isInteger(this.budget) && this.budget >= 1 && this.budget < 2 ** 31)) {
            throw new InvalidInput(`budget must be at least 1 step, not ${this.budget}`);
        }
        if (manifest.graph === "unrolled" && this.budget > manifest.steps) {
            throw new Refused(
                `A budget of ${this.budget} steps exceeds the ${manifest.steps} of this unrolled graph.` +
                    ` Ask for at most ${manifest.steps}, or export a step graph, which has no limit.`,
            );
        }
        if (manifest.graph === "loop") checkLoopPolicy(this.policy);
    }

    /**
     * Solve one puzzle.
     *
     * @param {Puzzle} puzzle
     * @param {SolveOptions} [options]
     * @returns {Promise<Solution>}
     */
    async solve(puzzle, options = {}) {
        const found = await this.#run([puzzle][Symbol.iterator](), 1, options).next();
        return /** @type {Solution} */ (found.value);
    }

    /**
     * Solve puzzles as they come and yield their solutions in the same order.
     *
     * @param {Iterable<Puzzle> | AsyncIterable<Puzzle>} puzzles read as rows become free
     * @param {SolveOptions} [options]
     * @returns {AsyncGenerator<Solution, void, void>}
     * @throws {InvalidInput} a puzzle id that the bundle did not keep
     * @throws {Refused} `trace` with a loop graph, which gives only the last step away
     */
    solveMany(puzzles, options = {}) {
        const queue = Symbol.asyncIterator in puzzles ? puzzles[Symbol.asyncIterator]() : puzzles[Symbol.iterator]();
        return this.#run(queue, this.batchSize, options);
    }

    /** @param {Queue} queue @param {number} capacity @param {SolveOptions} options */
    #run(queue, capacity, options) {
        switch (this.session.manifest.graph) {
            case "step":
                return this.#runStep(queue, capacity, options);
            case "unrolled":
                return this.#runUnrolled(queue, capacity, options);
            case "loop":
                if (options.trace) {
                    throw new Refused(
                        "A loop graph gives only the last step away: use a step or unrolled graph to trace",
                    );
                }
                return this.#runLoop(queue, capacity, options);
        }
    }

    /** @param {boolean} [trace] */
    #rows(trace = false) {
        return new Rows(this.task, this.policy, this.budget, (id) => this.session.puzzleRow(id), trace);
    }

    /** @param {Rows} rows @returns {Tensors} */
    #inputs(rows) {
        const { manifest } = this.session;
        const { tokens, puzzleIds } = rows.inputs(fixedBatch(manifest) ?? rows.live);
        return takesPuzzleIds(manifest) ? { tokens, puzzle_ids: puzzleIds } : { tokens };
    }

    /**
     * One call of the graph, with a pause behind it in which messages are read.
     *
     * @param {Tensors} inputs
     * @param {AbortSignal} [signal]
     */
    async #infer(inputs, signal) {
        if (signal?.aborted) throw new Stopped();
        const began = performance.now();
        const outputs = await this.session.infer(inputs);
        const milliseconds = performance.now() - began;
        if (signal) await breathe();
        if (signal?.aborted) {
            for (const tensor of Object.values(outputs)) this.session.free(tensor);
            throw new Stopped();
        }
        return { outputs, milliseconds };
    }

    /**
     * Load puzzles behind the live rows.
     *
     * @param {Rows} rows
     * @param {Queue} queue
     * @param {number} count
     * @param {number} number of the first in the input
     */
    async #fill(rows, queue, count, number) {
        for (let loaded = 0; loaded < count; loaded++) {
            const next = await queue.next();
            if (next.done) return;
            rows.load(rows.live, next.value, number + loaded);
        }
    }

    // -- step graphs -------------------------------------------------------------------------
    /**
     * @param {Queue} queue
     * @param {number} capacity
     * @param {SolveOptions} options
     * @returns {AsyncGenerator<Solution, void, void>}
     */
    async *#runStep(queue, capacity, { trace, onStep, signal }) {
        const { session, task } = this;
        const { manifest } = session;
        const rows = this.#rows(trace);
        await this.#fill(rows, queue, capacity, 0);
        if (!rows.live) return;
        let started = rows.live;
        let yielded = 0;
        /** @type {Map<number, Solution>} waiting for the ones before them */
        const finished = new Map();
        const fresh = session.initialCarry(1);
        /** @type {Tensors} */
        let carry = session.initialCarry(fixedBatch(manifest) ?? rows.live);
        try {
            while (rows.live) {
                const { outputs, milliseconds } = await this.#infer({ ...this.#inputs(rows), ...carry }, signal);
                this.#free(carry);
                carry = Object.fromEntries(manifest.carry.map(({ input, output }) => [input, outputs[output]]));
                const logits = dataOf(outputs.logits);
                const qHalt = dataOf(outputs.q_halt);
                const stopped = [];
                for (let row = 0; row < rows.live; row++) {
                    const answer = argmax(logits, row * task.seqLen * task.vocabSize, task.seqLen, task.vocabSize);
                    const before = rows.answer(row);
                    if (rows.observe(row, answer, qHalt[row])) stopped.push(row);
                    onStep?.(rows.event(row, before, milliseconds));
                }
                if (!stopped.length) continue;
                for (const row of stopped) {
                    const solution = rows.solution(row);
                    finished.set(solution.number, solution);
                }
                // before the next puzzle is asked for, which may take its time to come
                for (let next; (next = finished.get(yielded)); yielded++) {
                    finished.delete(yielded);
                    yield next;
                }
                const states = await this.#toHost(carry);
                carry = states;
                // backwards, so that the row that is moved into a gap is never one that has stopped
                for (const row of stopped.reverse()) {
                    const next = await queue.next();
                    if (!next.done) {
                        rows.load(row, next.value, started++);
                        for (const name in states) setRow(states[name], row, fresh[name]);
                    } else {
                        const last = rows.drop(row);
                        for (const name in states) moveRow(states[name], last, row);
                    }
                }
                if (fixedBatch(manifest) === null) {
                    for (const name in states) states[name] = firstRows(states[name], rows.live);
                }
            }
        } finally {
            this.#free(carry);
        }
    }

    /** @param {Tensors} carry @returns {Promise<Record<string, Tensor>>} */
    async #toHost(carry) {
        /** @type {Record<string, Tensor>} */
        const states = {};
        for (const name in carry) states[name] = await this.session.host(carry[name]);
        return states;
    }

    /** @param {Tensors} carry */
    #free(carry) {
        for (const name in carry) this.session.free(carry[name]);
    }

    // -- unrolled graphs ---------------------------------------------------------------------
    /**
     * @param {Queue} queue
     * @param {number} capacity
     * @param {SolveOptions} options
     * @returns {AsyncGenerator<Solution, void, void>}
     */
    async *#runUnrolled(queue, capacity, { trace, onStep, signal }) {
        const { seqLen, vocabSize } = this.task;
        for (let number = 0; ;) {
            const rows = this.#rows(trace);
            await this.#fill(rows, queue, capacity, number);
            if (!rows.live) return;
            number += rows.live;
            const { outputs, milliseconds } = await this.#infer(this.#inputs(rows), signal);
            const [steps, batch] = outputs.q_halt.dims;
            const logits = dataOf(outputs.logits);
            const qHalt = dataOf(outputs.q_halt);
            const going = new Set(Array.from({ length: rows.live }, (_, row) => row));
            /** @type {Solution[]} */
            const finished = [];
            for (let step = 0; step < steps && going.size; step++) {
                for (const row of [...going]) {
                    const place = step * batch + row;
                    const answer = argmax(logits, place * seqLen * vocabSize, seqLen, vocabSize);
                    const before = rows.answer(row);
                    const stops = rows.observe(row, answer, qHalt[place]);
                    onStep?.(rows.event(row, before, milliseconds / steps));
                    if (!stops) continue;
                    finished[row] = rows.solution(row);
                    going.delete(row);
                }
            }
            yield* finished;
        }
    }

    // -- loop graphs -------------------------------------------------------------------------
    /**
     * @param {Queue} queue
     * @param {number} capacity
     * @param {SolveOptions} options
     * @returns {AsyncGenerator<Solution, void, void>}
     */
    async *#runLoop(queue, capacity, { signal }) {
        const { seqLen, vocabSize } = this.task;
        const { policy } = this;
        const threshold = policy instanceof Act ? policy.threshold : Infinity;
        const most = policy instanceof Fixed && policy.steps !== null ? policy.steps : Infinity;
        const limits = {
            budget: { type: "int64", dims: [], data: BigInt64Array.of(BigInt(Math.min(this.budget, most))) },
            threshold: { type: "float32", dims: [], data: Float32Array.of(threshold) },
        };
        for (let number = 0; ;) {
            const rows = this.#rows();
            await this.#fill(rows, queue, capacity, number);
            if (!rows.live) return;
            number += rows.live;
            const { outputs } = await this.#infer({ ...this.#inputs(rows), ...limits }, signal);
            const logits = dataOf(outputs.logits);
            const qHalt = dataOf(outputs.q_halt);
            const { data: steps } = /** @type {{ data: BigInt64Array }} */ (/** @type {unknown} */ (outputs.steps));
            for (let row = 0; row < rows.live; row++) {
                const answer = argmax(logits, row * seqLen * vocabSize, seqLen, vocabSize);
                rows.observe(row, answer, qHalt[row], Number(steps[row]));
                yield rows.solution(row);
            }
        }
    }
}

/** @param {import("./tensors.js").AnyTensor} tensor */
function dataOf(tensor) {
    return /** @type {{ data: Float32Array }} */ (/** @type {unknown} */ (tensor)).data;
}

/** A loop graph knows one threshold and one budget: everything else is beyond it.  @param {Policy} policy */
function checkLoopPolicy(policy) {
    if (policy instanceof Fixed || (policy instanceof Act && policy.minSteps === 1)) return;
    throw new Refused(
        `A loop graph halts inside by 'act' (without min) or 'fixed' only, not by '${policy}'.` +
            " Use one of these, or export a step graph, which takes any policy.",
    );
}
