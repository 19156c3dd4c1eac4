/** What a profile holds; that `trm-edge profile --import` reads it is tested where that command is at hand. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Stopped } from "../core/errors.js";
import { machineFacts } from "../core/machine.js";
import { profile, summarize } from "../core/profile.js";
import { FakeSession, fakePuzzle, fakeTask } from "./fake.js";
import { refuses } from "./vectors.js";

const COMMAND = process.env.TRM_EDGE || "trm-edge";
const q = [
    [0, -1, 1],
    [0, 1, 1],
    [0, 1, 1],
];
const first = [
    [0, 5, 7],
    [0, 7, 7],
    [0, 7, 5],
];
const puzzles = [fakePuzzle(1), { ...fakePuzzle(2), answer: [[7, 0, 0, 0]] }];

/** @param {Partial<import("../core/profile.js").Options>} [options] */
function measured(options = {}) {
    const side = {
        runtime: "onnxruntime-web",
        provider: "WASM",
        target: "cpu",
        software: false,
        threads: 2,
        loadSeconds: [0.25],
        fileBytes: 1234,
    };
    return profile(new FakeSession(q, first), fakeTask, puzzles, {
        rounds: 2,
        warmup: 1,
        name: "fake",
        data: "2 puzzles",
        side,
        versions: { "onnxruntime-web": "1.30.0" },
        machine: machineFacts(),
        ...options,
    });
}

test("every puzzle goes through all steps, then under the policy", async () => {
    /** @type {[number, number][]} */
    const progress = [];
    const results = await measured({ onProgress: (done, total) => progress.push([done, total]) });
    const [side] = results.sides;
    assert.equal(side.runs.length, 2);
    assert.deepEqual(
        side.runs[1].map((/** @type {any} */ run) => [run.puzzle, run.q_halt, run.right]),
        [
            [0, [-1, 1, 1], [false, true, true]],
            [1, [1, 1, 1], [true, true, false]],
        ],
    );
    assert.ok(
        side.runs.flat().every((/** @type {any} */ run) => run.step_seconds.every((/** @type {number} */ t) => t >= 0)),
    );
    assert.equal(side.whole[0].policy, "act");
    assert.deepEqual(
        side.whole[0].rounds[0].map((/** @type {any} */ solve) => [solve.puzzle, solve.steps, solve.right]),
        [
            [0, 2, false],
            [1, 1, true],
        ].map(([puzzle, steps, right]) => [puzzle, steps, puzzle === 0 ? true : right]),
    );
    assert.deepEqual(progress.at(-1), [6, 6]);
    const summary = summarize(results);
    assert.deepEqual([summary.steps, summary.right], [1.5, 1]);
    assert.ok(summary.step && summary.step.min <= summary.step.p50 && summary.step.p50 <= summary.step.p90);
});

test("quantiles lie between the nearest two", () => {
    const rounds = [[1, 2, 3, 4, 5].map((seconds, puzzle) => ({ puzzle, seconds, steps: 1, right: null }))];
    const { puzzle, step, right } = summarize({ sides: [{ runs: [], whole: [{ rounds }] }] });
    assert.deepEqual(puzzle, { p50: 3, p90: 4.6, min: 1 });
    assert.deepEqual([step, right], [null, null]);
});

test("it can be stopped, and refuses what cannot be measured", async () => {
    const controller = new AbortController();
    await assert.rejects(measured({ signal: controller.signal, onProgress: () => controller.abort() }), Stopped);
    await refuses("rounds must be 1 to 10000, not 0", () => measured({ rounds: 0 }));
    await refuses("at least one puzzle", () =>
        profile(new FakeSession(q, first), fakeTask, [], /** @type {any} */ ({ name: "", data: "" })),
    );
});

const missing = spawnSync(COMMAND, ["--help"]).error && `${COMMAND} is not here`;

test("trm-edge profile --import reads it", { skip: missing ?? false }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "trm-edge-"));
    try {
        const path = join(folder, "profile.json");
        const results = await measured();
        results.task = results.sides[0].task = "sudoku-4x4"; // the command knows no task called `fake`
        writeFileSync(path, JSON.stringify(results));
        const { status, stdout, stderr } = spawnSync(COMMAND, ["profile", "--import", path], { encoding: "utf8" });
        assert.equal(status, 0, stderr);
        assert.match(stdout, /fake/);
    } finally {
        rmSync(folder, { recursive: true });
    }
});
