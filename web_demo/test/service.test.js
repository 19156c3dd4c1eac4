/** The protocol of worker.js: what each request is answered with. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "../core/client.js";
import { Service } from "../core/service.js";
import { NEEDS_FIXTURES, filesOf } from "./fixtures.js";
import { loadOrt } from "./ort.js";
import { tinyBundle } from "./tiny.js";

const TINY = "sudoku-4x4.fp32.onnx-step";
const QUESTION = "1...2.......3..4";
const START = { providers: ["wasm"], threads: 1 };

/** A client whose worker is a service in this very thread; messages are copied as between threads. */
function connect() {
    /** @type {Record<string, (event: any) => void>} */
    const listeners = {};
    const service = new Service((message) => listeners.message({ data: structuredClone(message) }), loadOrt);
    const worker = {
        addEventListener: (/** @type {string} */ kind, /** @type {any} */ listener) => (listeners[kind] = listener),
        postMessage: (/** @type {any} */ message) => void service.handle(message),
        terminate: () => {},
    };
    return new Client(/** @type {any} */ (worker));
}

test("a bundle is opened, a puzzle solved step by step", NEEDS_FIXTURES, async () => {
    const client = connect();
    const opened = await client.request("open", { source: { files: await filesOf(TINY) } });
    assert.equal(opened.kind, "opened");
    assert.equal(opened.manifest.task, "sudoku-4x4");
    assert.equal(opened.golden.questions.length, opened.golden.answers.length);
    assert.ok(opened.card.includes("#"));
    const started = await client.request("start", START);
    assert.deepEqual([started.provider, started.detail, started.threads], ["wasm", "WASM", 1]);

    /** @type {any[]} */
    const events = [];
    const ask = { puzzles: [{ question: QUESTION }, { question: opened.golden.questions[0] }], steps: true, batch: 1 };
    const solved = await client.request("solve", { ...ask, policy: "fixed:3" }, (event) => events.push(event));
    assert.deepEqual([solved.kind, solved.count], ["solved", 2]);
    assert.deepEqual(
        events.map(({ kind, puzzle, step, steps }) => [kind, puzzle, step ?? steps]),
        [0, 1].flatMap((puzzle) => [...[1, 2, 3].map((step) => ["step", puzzle, step]), ["solution", puzzle, 3]]),
    );
    assert.deepEqual(events[7].answer, opened.golden.answers[0]);
    assert.deepEqual(events[6].answer, events[7].answer);
    assert.equal(events[7].solved, true);

    const { results, summary } = await client.request("profile", { puzzles: [{ question: QUESTION }], rounds: 1 });
    assert.equal(results.sides[0].name, opened.manifest.name);
    assert.ok(results.sides[0].file_bytes > 1000);
    assert.ok(summary.puzzle.p50 > 0);
    assert.equal((await client.request("close")).kind, "closed");
    await assert.rejects(client.request("solve", ask), { name: "InvalidInput", message: /No bundle is open/ });
});

test("a request can be stopped, before and while it is worked on", NEEDS_FIXTURES, async () => {
    const client = connect();
    await client.request("open", { source: { files: await filesOf(TINY) } });
    await client.request("start", START);
    let steps = 0;
    const ask = { puzzles: [{ question: QUESTION }], policy: "fixed", budget: 1000, steps: true };
    const running = client.request("solve", ask, () => {
        if (++steps === 2) void client.stop(running.id);
    });
    const waiting = client.request("solve", ask);
    void client.stop(waiting.id);
    await assert.rejects(running, { name: "Stopped" });
    await assert.rejects(waiting, { name: "Stopped" });
    assert.equal(steps, 2);
    const { count } = await client.request("solve", { puzzles: [{ question: QUESTION }] });
    assert.equal(count, 1);
    await client.request("close");
});

test("errors come as one line with their kind", async () => {
    const client = connect();
    await assert.rejects(client.request("start"), { name: "InvalidInput", message: /send 'open' first/ });
    await assert.rejects(client.request("dance"), { name: "InvalidInput", message: /Unknown request 'dance'/ });
    const files = tinyBundle();
    const damaged = { ...files, "model.onnx": files["model.onnx"].with(0, 9) };
    const chosen = Object.entries(damaged).map(([name, bytes]) => new File([/** @type {any} */ (bytes)], name));
    const source = { files: chosen };
    await assert.rejects(client.request("open", { source }), { name: "InvalidBundle", message: /SHA-256/ });
    client.terminate();
});

test("a worker that ends or fails ends what was asked of it", async () => {
    /** @type {Record<string, (event: any) => void>} */
    const listeners = {};
    const worker = {
        addEventListener: (/** @type {string} */ kind, /** @type {any} */ listener) => (listeners[kind] = listener),
        postMessage: () => {},
        terminate: () => {},
    };
    const client = new Client(/** @type {any} */ (worker));
    const asked = client.request("start");
    listeners.error({ message: "SyntaxError: no" });
    await assert.rejects(asked, { name: "Error", message: "SyntaxError: no" });
    const again = client.request("start");
    client.terminate();
    await assert.rejects(again, { message: "the worker was ended" });
});
