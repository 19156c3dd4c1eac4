/** All vectors of tests/vectors, as every language replays them. */

import assert from "node:assert/strict";

import { parseManifest } from "../core/manifest.js";
import { parsePolicy } from "../core/policies.js";
import { getTask } from "../core/tasks.js";
import { changed } from "./changes.js";
import { recordReplayed, refuses, replay, vectors } from "./vectors.js";

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
const manifest = (/** @type {any} */ document) => parseManifest(JSON.stringify(document));

replay("refusals.json", refusals, "refused", (change) =>
    refuses(change.says, () => manifest(changed(refusals.base, change))),
);
replay("refusals.json", refusals, "accepted", (change) => void manifest(changed(refusals.base, change)));
replay("refusals.json", refusals, "not_json", (text) => refuses("", () => parseManifest(text)));
