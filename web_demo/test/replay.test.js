/** All vectors of tests/vectors, as every language replays them. */

import assert from "node:assert/strict";
import { openAsBlob } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";

import { readFolder, readZip } from "../core/bundle.js";
import { Engine } from "../core/engine.js";
import { checkGolden, parseGolden } from "../core/golden.js";
import { parseManifest } from "../core/manifest.js";
import { parsePolicy } from "../core/policies.js";
import { Solver } from "../core/solver.js";
import { getTask } from "../core/tasks.js";
import { loadOrt } from "./ort.js";
import { serve } from "./server.js";
import { changed } from "./changes.js";
import { FIXTURES, readJson, recordReplayed, refuses, replay, vectors } from "./vectors.js";

recordReplayed();

// -- tasks ---------------------------------------------------------------------------------------
const tasks = vectors("tasks.json");

replay("tasks.json", tasks, "tasks", ({ id, seq_len, vocab_size, canonical, says }) => {
    if (says) return refuses(says, () => getTask(id));
    const task = getTask(id);
    assert.deepEqual([task.seqLen, task.vocabSize, task.id], [seq_len, vocab_size, canonical ?? id]);
});
replay("tasks.json", tasks, "parse", ({ task, text, grid, says }) => {
    if (says) return refuses(says, () => getTask(task).parse(text));
    assert.deepEqual(getTask(task).parse(text).question, grid);
});
replay("tasks.json", tasks, "format", ({ task, grid, text, says }) => {
    if (says) return refuses(says, () => getTask(task).format(grid));
    assert.equal(getTask(task).format(grid), text);
});
replay("tasks.json", tasks, "encode", ({ task, grid, tokens, says }) => {
    if (says) return refuses(says, () => getTask(task).encode(grid));
    assert.deepEqual([...getTask(task).encode(grid)], tokens);
});
replay("tasks.json", tasks, "decode", ({ task, tokens, grid }) => {
    assert.deepEqual(getTask(task).decode(Int32Array.from(tokens)), grid);
});
replay("tasks.json", tasks, "check", ({ task: id, question, answer, solved, reason }) => {
    const task = getTask(id);
    assert.equal(task.check(question, answer), reason);
    assert.equal(task.solved(task.encode(question), task.encode(answer)), solved);
});

// -- halting -------------------------------------------------------------------------------------
const halting = vectors("halting.json");

replay("halting.json", halting, "cases", ({ policy: text, budget, q, answers, solves, expect }) => {
    const policy = parsePolicy(text);
    let unchanged = 0;
    for (let index = 0; ; index++) {
        unchanged = index > 0 && answers[index] === answers[index - 1] ? unchanged + 1 : 0;
        const step = index + 1;
        const solved = () => solves.includes(answers[index]);
        const halted = policy.halted({ step, unchanged, qHalt: Math.fround(q[index]), solved });
        if (!halted && step < budget) continue;
        assert.deepEqual({ step, halted, answer: answers[index] }, expect);
        return;
    }
});
replay("halting.json", halting, "canonical", (text, given) => {
    assert.equal(String(parsePolicy(given)), text);
    assert.equal(String(parsePolicy(text)), text);
});
replay("halting.json", halting, "refused", (text) => refuses("", () => parsePolicy(text)));

// -- manifests and golden vectors ----------------------------------------------------------------
const refusals = vectors("refusals.json");
replayRefusals("refusals.json", refusals, parseManifest);
replay("refusals.json", refusals, "not_json", (text) => refuses("", () => parseManifest(text)));

const manifest = parseManifest(refusals.base_text);
replayRefusals("golden_refusals.json", vectors("golden_refusals.json"), (text) =>
    checkGolden(parseGolden(text), manifest),
);

/**
 * @param {string} file
 * @param {Record<string, any>} document
 * @param {(text: string) => unknown} read
 */
function replayRefusals(file, document, read) {
    const written = (/** @type {any} */ change) => JSON.stringify(changed(document.base, change));
    const put = (/** @type {{ find: string, put: string }} */ change) => {
        assert.ok(document.base_text.includes(change.find), "the text to find is not there");
        return document.base_text.replace(change.find, () => change.put);
    };
    replay(file, document, "refused", (change) => refuses(change.says, () => read(written(change))));
    replay(file, document, "accepted", (change) => void read(written(change)));
    replay(file, document, "refused_text", (change) => refuses(change.says, () => read(put(change))));
    replay(file, document, "accepted_text", (change) => void read(put(change)));
}

// -- bundles -------------------------------------------------------------------------------------
if (FIXTURES !== null) {
    const fixtures = FIXTURES;
    const runs = readJson(join(FIXTURES, "runs.json"));
    const served = serve(FIXTURES);
    after(() => served.close());
    const read = async (/** @type {string} */ path) =>
        path.endsWith(".zip")
            ? readZip(await openAsBlob(join(fixtures, path)), path)
            : readFolder(`${await served.url}/${path}`, { label: path });

    /** @param {any} run */
    const solve = async (run) => {
        const bundle = await read(`bundles/${run.bundle}`);
        const engine = await Engine.open(bundle, { load: loadOrt, providers: ["wasm"], threads: 1 });
        try {
            const task = getTask(bundle.manifest.task);
            const { policy, budget, batch: batchSize } = run;
            const solver = new Solver(engine, task, { policy, budget, batchSize });
            const puzzles = run.puzzles.map((/** @type {any} */ { question, puzzle_id }) => ({
                ...task.parse(question),
                puzzleId: puzzle_id,
            }));
            const solutions = [];
            for await (const solution of solver.solveMany(puzzles)) solutions.push(solution);
            return { task, solutions };
        } finally {
            await engine.close();
        }
    };
    replay("runs.json", runs, "runs", async (run) => {
        const { task, solutions } = await solve(run);
        const found = solutions.map(({ grid, answer, steps, halted, solved }) => ({
            answer: task.format(grid),
            tokens: [...answer],
            steps,
            halted,
            solved,
        }));
        const wanted = run.expect.map((/** @type {any} */ { q_halt: _, ...rest }) => rest);
        assert.equal(found.length, wanted.length);
        const differ = found.filter((one, index) => JSON.stringify(one) !== JSON.stringify(wanted[index]));
        if (differ.length > run.forgive) assert.deepEqual(found, wanted);
        if (run.q_halt_tolerance === null) return;
        const off = solutions.map(({ qHalt }, index) => Math.abs(qHalt - run.expect[index].q_halt));
        assert.ok(
            off.filter((distance) => distance > run.q_halt_tolerance).length <= run.forgive,
            `halting logits are off by ${Math.max(...off)}, at most ${run.q_halt_tolerance} is allowed`,
        );
    });
    replay("runs.json", runs, "refused", (run) => refuses(run.says, () => solve(run)));

    const hostile = readJson(join(FIXTURES, "hostile.json"));
    const golden = async (/** @type {string} */ path) => {
        const bundle = await read(path);
        return bundle.hasGolden && bundle.golden();
    };
    replay("hostile.json", hostile, "cases", ({ path, says }) => refuses(says, () => golden(path)));
    replay("hostile.json", hostile, "accepted", async ({ path }) => void (await read(path)));
}
