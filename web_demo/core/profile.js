/**
 * Timing a bundle on this machine: what `trm-edge profile --import` reads (docs/apps.md, "Profiles from an app"). Every
 * puzzle goes through all steps of the budget, with time, halting logit and verdict of each, and then under the halting
 * policy itself. Knows sessions, tasks and a clock; draws nothing.
 */

import { InvalidInput, Stopped } from "./errors.js";
import { breathe } from "./pause.js";
import { Fixed } from "./policies.js";
import { Solver } from "./solver.js";

/** @typedef {import("./types.js").Grid} Grid */
/** @typedef {import("./types.js").Puzzle} Puzzle */
/** @typedef {import("./types.js").Task} Task */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {Puzzle & { answer?: Grid | null }} Known a puzzle, perhaps with its answer */
/** @typedef {{ puzzle: number, step_seconds: number[], q_halt: number[], right: (boolean | null)[] }} Run */
/** @typedef {{ puzzle: number, seconds: number, steps: number, right: boolean | null }} Solve */

/**
 * @typedef {object} Options
 * @property {number} [rounds] that count; default 5
 * @property {number} [warmup] rounds before them that do not; default 2
 * @property {number | null} [budget] most steps; null: the bundle's
 * @property {string | null} [policy] whose times are reported; null: the bundle's
 * @property {string} name of the side, usually the bundle's
 * @property {string} data where the puzzles come from
 * @property {Side} side what computes
 * @property {Record<string, string>} versions of what measures, by package
 * @property {Record<string, string | number | boolean>} machine flat facts
 * @property {(done: number, total: number) => void} [onProgress] puzzles of all rounds
 * @property {AbortSignal} [signal] ends it after the puzzle it is at, with Stopped
 */

/**
 * @typedef {object} Side
 * @property {string} runtime
 * @property {string} provider in its own words
 * @property {string} target `cpu` or `webgpu`
 * @property {boolean} software whether the processor is imitated by software
 * @property {number} threads
 * @property {number[]} loadSeconds of opening the graph, a time for each start
 * @property {number | null} fileBytes of the graph
 */

/** @typedef {{ p50: number, p90: number, min: number }} Times in seconds */

const DIGITS = 1e9; // nanoseconds are all that a clock can tell

/**
 * Measure.
 *
 * @param {Session} session
 * @param {Task} task
 * @param {readonly Known[]} puzzles at least one
 * @param {Options} options
 * @returns {Promise<Record<string, any>>} the document, ready for JSON
 * @throws {InvalidInput} nothing to measure, rounds out of range; what the solver refuses
 * @throws {Stopped} as the signal says
 */
export async function profile(session, task, puzzles, options) {
    const { rounds = 5, warmup = 2, onProgress = () => {}, signal } = options;
    if (!puzzles.length) throw new InvalidInput("Give at least one puzzle to profile");
    if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 10_000)) {
        throw new InvalidInput(`rounds must be 1 to 10000, not ${rounds}`);
    }
    const solver = new Solver(session, task, { policy: options.policy, budget: options.budget, batchSize: 1 });
    const through = new Solver(session, task, { policy: new Fixed(), budget: solver.budget, batchSize: 1 });
    const showsSteps = session.manifest.graph === "step";
    /** @type {Run[][]} */
    const runs = [];
    /** @type {Solve[][]} */
    const solves = [];
    const total = (warmup + rounds) * puzzles.length;
    for (let round = 0, done = 0; round < warmup + rounds; round++) {
        const run = [];
        const solve = [];
        for (const [number, puzzle] of puzzles.entries()) {
            await breathe();
            if (signal?.aborted) throw new Stopped();
            if (showsSteps) run.push(await timedSteps(through, puzzle, number));
            solve.push(await timed(solver, puzzle, number));
            onProgress(++done, total);
        }
        if (round < warmup) continue;
        if (showsSteps) runs.push(run);
        solves.push(solve);
    }
    const whole = [{ policy: String(solver.policy), budget: solver.budget, rounds: solves }];
    return document(session, options, runs, whole);
}

/**
 * One puzzle through all steps. What comes before the first step and after the last is counted with the first: any
 * number of steps has it once.
 *
 * @param {Solver} solver
 * @param {Known} puzzle
 * @param {number} number
 * @returns {Promise<Run>}
 */
async function timedSteps(solver, puzzle, number) {
    const marks = [performance.now()];
    /** @type {number[]} */
    const qHalt = [];
    /** @type {Int32Array[]} */
    const answers = [];
    await solver.solve(puzzle, {
        onStep: (event) => {
            marks.push(performance.now());
            qHalt.push(event.qHalt);
            answers.push(event.answer);
        },
    });
    const rest = performance.now() - marks[marks.length - 1];
    const seconds = answers.map((_, step) => marks[step + 1] - marks[step] + (step === 0 ? rest : 0));
    return {
        puzzle: number,
        step_seconds: seconds.map(toSeconds),
        q_halt: qHalt,
        right: answers.map((answer) => verdict(solver.task, puzzle, answer)),
    };
}

/** @param {Solver} solver @param {Known} puzzle @param {number} number @returns {Promise<Solve>} */
async function timed(solver, puzzle, number) {
    const began = performance.now();
    const { steps, answer } = await solver.solve(puzzle);
    const seconds = toSeconds(performance.now() - began);
    return { puzzle: number, seconds, steps, right: verdict(solver.task, puzzle, answer) };
}

/** Whether an answer is the known one; by the rules where none is known; null where there are no rules either.
 * @param {Task} task @param {Known} puzzle @param {Int32Array} answer */
function verdict(task, puzzle, answer) {
    if (puzzle.answer) return JSON.stringify(task.decode(answer)) === JSON.stringify(puzzle.answer);
    return task.hasRules ? task.solved(task.encode(puzzle.question), answer) : null;
}

/**
 * @param {Session} session
 * @param {Options} options
 * @param {Run[][]} runs
 * @param {object[]} whole
 */
function document({ manifest }, { name, data, side, versions, machine }, runs, whole) {
    const own = side.target === manifest.target;
    const remarks = ["The browser shows no memory of single programs."];
    if (machine.isolated === false) {
        remarks.push("The page is not cross-origin isolated: its clock may tick in steps of 0.1 ms.");
    }
    return {
        kind: "trm-edge profile",
        schema_version: 1,
        task: manifest.task,
        data,
        date: new Date().toISOString().replace(/\.\d+Z$/, "+00:00"),
        versions,
        remarks,
        operators: {},
        sides: [
            {
                name,
                task: manifest.task,
                format: manifest.format,
                graph: manifest.graph,
                precision: manifest.precision,
                target: side.target,
                evidence: own ? manifest.evidence : side.software ? "simulator" : "hardware",
                runtime: side.runtime,
                provider: side.provider,
                threads: side.threads,
                batch: 1,
                load_seconds: side.loadSeconds,
                cold_seconds: [],
                runs,
                whole,
                reference_seconds: [],
                resident_bytes: null,
                peak_bytes: null,
                file_bytes: side.fileBytes,
                energy_joules: null,
                machine,
            },
        ],
    };
}

/**
 * The figures a page shows of what was measured: over all puzzles and rounds.
 *
 * @param {Record<string, any>} results what `profile` returned
 * @returns {{ step: Times | null, puzzle: Times, steps: number, right: number | null }} in
 *     seconds; `step` is null where steps do not show; `steps` is their mean, `right` the share of right answers, null
 *     where none can be judged
 */
export function summarize({ sides: [{ runs, whole }] }) {
    /** @type {Solve[]} */
    const solves = whole[0].rounds.flat();
    const steps = runs.flat().flatMap((/** @type {Run} */ run) => run.step_seconds);
    const judged = solves.filter(({ right }) => right !== null);
    return {
        step: steps.length ? times(steps) : null,
        puzzle: times(solves.map(({ seconds }) => seconds)),
        steps: solves.reduce((sum, solve) => sum + solve.steps, 0) / solves.length,
        right: judged.length ? judged.filter(({ right }) => right).length / judged.length : null,
    };
}

/** @param {number[]} values at least one @returns {Times} */
function times(values) {
    const sorted = [...values].sort((one, other) => one - other);
    return { p50: quantile(sorted, 0.5), p90: quantile(sorted, 0.9), min: sorted[0] };
}

/** Between the two nearest, as numpy does by default.  @param {number[]} sorted @param {number} share */
function quantile(sorted, share) {
    const place = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
    return below + (above - below) * (place - Math.floor(place));
}

/** @param {number} milliseconds */
function toSeconds(milliseconds) {
    return Math.round((milliseconds / 1000) * DIGITS) / DIGITS;
}
