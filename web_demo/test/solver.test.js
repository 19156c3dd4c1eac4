/** The loop over steps: order, compaction, budgets, traces, events, stopping. Real graphs run in replay.test.js. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidBundle, InvalidInput, Stopped } from "../core/errors.js";
import { Solver } from "../core/solver.js";
import { FakeSession, fakeManifest, fakePuzzle, fakeTask } from "./fake.js";
import { refuses } from "./vectors.js";

// puzzle n halts at step HALTS[n]; its answer becomes 7, which the rules accept, one step later
const HALTS = [3, 1, 5, 2, 2, 4, 1, 5, 1];
const STEPS = 6;
const steps = Array.from({ length: STEPS }, (_, step) => step + 1);
const q = steps.map((step) => HALTS.map((halt) => (step >= halt ? 1 : -1)));
const first = steps.map((step) => HALTS.map((halt) => (step > halt ? 7 : 5)));
const puzzles = HALTS.map((_, n) => fakePuzzle(n + 1)); // puzzle 0 has tokens like an empty row's
const shift = (/** @type {number[][]} */ table) => table.map((row) => [0, ...row]);

/** @param {ConstructorParameters<typeof FakeSession>[2]} [options] */
const session = (options) => new FakeSession(shift(q), shift(first), options);

/** @template T @param {AsyncIterable<T>} items */
async function all(items) {
    const found = [];
    for await (const item of items) found.push(item);
    return found;
}

for (const batchSize of [1, 2, 3, 4, 9, 32]) {
    test(`batches of ${batchSize} answer in order, each puzzle at its own step`, async () => {
        const open = session();
        const solutions = await all(new Solver(open, fakeTask, { batchSize }).solveMany(puzzles));
        assert.deepEqual(
            solutions.map(({ number, steps, halted, solved }) => ({ number, steps, halted, solved })),
            HALTS.map((steps, number) => ({ number, steps, halted: true, solved: false })),
        );
        assert.ok(open.widths.every((width) => width <= batchSize));
        const rows = open.widths.reduce((sum, width) => sum + width, 0);
        assert.equal(
            rows,
            HALTS.reduce((sum, halt) => sum + halt, 0),
            "a row was computed for nobody",
        );
    });
}

test("a batch size that is built in is kept to the last call", async () => {
    const open = session({ batch: 4 });
    const solutions = await all(new Solver(open, fakeTask, { batchSize: 2 }).solveMany(puzzles));
    assert.deepEqual(
        solutions.map(({ steps }) => steps),
        HALTS,
    );
    assert.deepEqual(new Set(open.widths), new Set([4]));
});

test("the budget ends a puzzle, the policy decides, rules are reported", async () => {
    const solved = await all(new Solver(session(), fakeTask, { policy: "verified", budget: 4 }).solveMany(puzzles));
    assert.deepEqual(
        solved.map(({ steps, halted, solved }) => [steps, halted, solved]),
        HALTS.map((halt) => (halt < 4 ? [halt + 1, true, true] : [4, false, false])),
    );
});

test("a trace holds every step, events come as they happen", async () => {
    /** @type {import("../core/types.js").StepEvent[]} */
    const events = [];
    const solver = new Solver(session(), fakeTask, { policy: "fixed:4", batchSize: 2 });
    const found = await all(
        solver.solveMany(puzzles.slice(0, 3), { trace: true, onStep: (event) => events.push(event) }),
    );
    assert.deepEqual(
        found[0].trace?.answers.map((answer) => answer[0]),
        [5, 5, 5, 7],
    );
    assert.deepEqual(found[0].trace?.qHalt, [-1, -1, 1, 1]);
    const own = events.filter(({ puzzle }) => puzzle === 0);
    assert.deepEqual(
        own.map(({ step }) => step),
        [1, 2, 3, 4],
    );
    assert.deepEqual(
        own.map(({ changed }) => [...changed]),
        [
            [1, 1, 1, 0], // against the question 1 1 1 0
            [0, 0, 0, 0],
            [0, 0, 0, 0],
            [1, 0, 0, 0],
        ],
    );
    assert.equal(events.length, 12);
});

test("puzzles may come one by one; what is finished does not wait for those to come", async () => {
    const asked = [];
    async function* queue() {
        for (const [number, puzzle] of puzzles.entries()) {
            asked.push(number);
            yield puzzle;
        }
    }
    const solutions = new Solver(session(), fakeTask, { batchSize: 1 }).solveMany(queue());
    await solutions.next();
    assert.equal(asked.length, 1);
    assert.equal((await all(solutions)).length, HALTS.length - 1);
});

test("no puzzles, no solutions, no call", async () => {
    const open = session();
    assert.deepEqual(await all(new Solver(open, fakeTask).solveMany([])), []);
    assert.equal(open.widths.length, 0);
});

test("a signal ends it after the step it is at", async () => {
    const open = session();
    const controller = new AbortController();
    const onStep = () => controller.abort();
    const { signal } = controller;
    await assert.rejects(new Solver(open, fakeTask).solve(puzzles[0], { onStep, signal }), Stopped);
    assert.equal(open.widths.length, 1);
    await assert.rejects(new Solver(open, fakeTask).solve(puzzles[0], { signal }), Stopped);
    assert.equal(open.widths.length, 1);
});

test("messages are read between two steps", async () => {
    const open = session();
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    const solver = new Solver(open, fakeTask, { policy: "fixed", batchSize: 1 });
    await assert.rejects(all(solver.solveMany(puzzles, { signal: controller.signal })), Stopped);
    assert.ok(open.widths.length < HALTS.length * STEPS);
});

test("an answer that flickers is not stable", async () => {
    const flicker = [5, 5, 6, 6, 5, 5, 5, 5].map((token) => [0, token]);
    const open = new FakeSession(
        flicker.map(() => [0, 0]),
        flicker,
    );
    assert.equal((await new Solver(open, fakeTask, { policy: "stable:2" }).solve(fakePuzzle(1))).steps, 7);
});

test("a puzzle embedding that was not kept is refused", async () => {
    const open = session({ puzzles: [3, 7] });
    const solver = new Solver(open, fakeTask);
    assert.equal((await solver.solve({ ...puzzles[0], puzzleId: 7 })).steps, HALTS[0]);
    await refuses("Puzzle id 2 is not in this bundle. Kept: 3, 7.", () => solver.solve({ ...puzzles[0], puzzleId: 2 }));
});

test("what a solver refuses", async () => {
    await refuses("made for the task 'fake', not 'other'", () => new Solver(session(), { ...fakeTask, id: "other" }));
    await refuses("has 4 tokens of 16 values", () => new Solver(session(), { ...fakeTask, seqLen: 5 }));
    await refuses("batch size must be at least 1, not 0", () => new Solver(session(), fakeTask, { batchSize: 0 }));
    await refuses("budget must be at least 1 step", () => new Solver(session(), fakeTask, { budget: 1.5 }));
    const loop = session();
    loop.manifest = fakeManifest("loop", 4);
    await refuses("A loop graph gives only the last step away", () =>
        new Solver(loop, fakeTask).solve(puzzles[0], { trace: true }),
    );
});

test("a session refuses inputs that are not the graph's, and outputs", async () => {
    const open = session();
    /** @type {import("../core/tensors.js").Tensor} */
    const tokens = { type: "int32", dims: [1, 4], data: Int32Array.of(1, 1, 1, 0) };
    const carry = open.initialCarry(1);
    await refuses("The graph takes exactly tokens, z_H, z_L, not tokens", () => open.infer({ tokens }));
    await refuses("Input 'z_H' must be float32 [1, 4, 2], not float32 [2, 4, 2]", () =>
        open.infer({ tokens, ...carry, z_H: open.initialCarry(2).z_H }),
    );
    await refuses("Input 'tokens' must lie in 0..15, it holds 0..16", () =>
        open.infer({ tokens: Object.assign({ ...tokens }, { data: Int32Array.of(16, 1, 1, 0) }), ...carry }),
    );
    await refuses("at least 1 puzzle", () => open.infer({ ...carry }));
    open.q[0][1] = NaN;
    await assert.rejects(open.infer({ tokens, ...carry }), InvalidBundle);
    await open.close();
    await assert.rejects(open.infer({ tokens, ...carry }), InvalidInput);
});
