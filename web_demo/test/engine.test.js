/** Choosing a provider, threads, and a GPU that is not there; runs of graphs are in replay.test.js. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Engine } from "../core/engine.js";
import { Solver } from "../core/solver.js";
import { getTask } from "../core/tasks.js";
import { NEEDS_FIXTURES, bundleOf } from "./fixtures.js";
import { loadOrt } from "./ort.js";
import { refuses } from "./vectors.js";

/** @typedef {import("../core/engine.js").Provider} Provider */

const TINY = "sudoku-4x4.fp32.onnx-step";
const QUESTION = "1...2.......3..4";

/** Pretend that the browser has such a `navigator.gpu` while `work` runs.
 * @param {any} gpu @param {() => Promise<void>} work */
async function withGpu(gpu, work) {
    const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    Object.defineProperty(globalThis, "navigator", { value: { gpu, hardwareConcurrency: 2 }, configurable: true });
    try {
        await work();
    } finally {
        if (navigator) Object.defineProperty(globalThis, "navigator", navigator);
        else Reflect.deleteProperty(globalThis, "navigator");
    }
}

/** @param {object} [info] @param {string[]} [features] */
const adapter = (info = {}, features = []) => ({
    requestAdapter: async () => ({ info: { description: "GPU 3000", ...info }, features: new Set(features) }),
});

/** Open a bundle and say which provider it was, and why not another.
 * @param {string} name @param {Provider[]} providers @param {(provider: Provider) => Promise<any>} [load] */
async function chosen(name, providers, load = loadOrt) {
    const engine = await Engine.open(await bundleOf(name), { load, providers, threads: 1 });
    await engine.close();
    return {
        provider: engine.provider,
        reasons: engine.reasons.map(({ provider, reason }) => `${provider}: ${reason}`),
    };
}

test("WASM is taken where there is no WebGPU, and the reason is kept", NEEDS_FIXTURES, async () => {
    const both = /** @type {Provider[]} */ (["webgpu", "wasm"]);
    await withGpu(undefined, async () => {
        const { provider, reasons } = await chosen(TINY, both);
        assert.deepEqual([provider, reasons], ["wasm", ["webgpu: this browser has no WebGPU."]]);
        await refuses("No provider can run this bundle. webgpu: this browser has no WebGPU.", () =>
            chosen(TINY, ["webgpu"]),
        );
    });
    await withGpu({ requestAdapter: async () => null }, async () => {
        assert.match((await chosen(TINY, both)).reasons[0], /finds no graphics adapter/);
    });
    await withGpu(adapter({ isFallbackAdapter: true }), async () => {
        assert.match((await chosen(TINY, both)).reasons[0], /software, slower than WASM/);
    });
    await withGpu(adapter(), async () => {
        assert.match((await chosen("sudoku-4x4.fp32.onnx-loop", both)).reasons[0], /no Loop operator/);
        assert.match(
            (await chosen("sudoku-4x4.fp16.onnx-step", both)).reasons[0],
            /GPU 3000 does not compute in 16 bits/,
        );
    });
});

test("a GPU that fails when the graph is opened gives way to WASM", NEEDS_FIXTURES, async () => {
    const ort = await loadOrt();
    const broken = { ...ort, InferenceSession: { create: async () => Promise.reject(new Error("device\nlost")) } };
    const load = async (/** @type {Provider} */ provider) => (provider === "webgpu" ? broken : ort);
    await withGpu(adapter(), async () => {
        const { provider, reasons } = await chosen(TINY, ["webgpu", "wasm"], load);
        assert.equal(provider, "wasm");
        assert.deepEqual(reasons, [`webgpu: onnxruntime cannot load '${TINY}': device lost`]);
    });
});

test("on a GPU the carry stays there, and is freed", NEEDS_FIXTURES, async () => {
    const ort = await loadOrt();
    /** @type {any} */
    let asked;
    let [made, freed] = [0, 0];
    /** @type {WeakMap<object, any>} what lies on the GPU */
    const memory = new WeakMap();
    const moveAway = (/** @type {any} */ tensor) => {
        made++;
        memory.set(tensor, tensor.data);
        const free = () => {
            freed++;
            memory.delete(tensor);
        };
        Object.defineProperties(tensor, {
            location: { value: "gpu-buffer" },
            data: { get: () => assert.fail("the data is not on the CPU") },
            dispose: { value: free },
            getData: {
                value: async (/** @type {boolean} */ release) => {
                    const data = memory.get(tensor);
                    if (release) free();
                    return data;
                },
            },
        });
    };
    /** @type {any} a session whose carry pretends to lie elsewhere */
    const gpu = {
        ...ort,
        InferenceSession: {
            create: async (/** @type {any} */ model, /** @type {any} */ options) => {
                asked = options;
                const { executionProviders: _, preferredOutputLocation: kept, ...rest } = options;
                const graph = await ort.InferenceSession.create(model, { ...rest, executionProviders: ["wasm"] });
                const run = async (/** @type {Record<string, any>} */ feeds) => {
                    /** @type {Record<string, any>} */
                    const here = {};
                    for (const [name, tensor] of Object.entries(feeds)) {
                        const { type, dims } = tensor;
                        here[name] = new ort.Tensor(type, memory.get(tensor) ?? tensor.data, dims);
                    }
                    const outputs = /** @type {any} */ (await graph.run(here));
                    for (const name of Object.keys(kept)) moveAway(outputs[name]);
                    return outputs;
                };
                const { inputMetadata, outputMetadata } = graph;
                return { inputMetadata, outputMetadata, run, release: () => graph.release() };
            },
        },
    };
    await withGpu(adapter(), async () => {
        const engine = await Engine.open(await bundleOf(TINY), { load: async () => gpu, providers: ["webgpu"] });
        assert.deepEqual(asked.preferredOutputLocation, { z_H_next: "gpu-buffer", z_L_next: "gpu-buffer" });
        assert.deepEqual([engine.provider, engine.detail], ["webgpu", "WebGPU on GPU 3000"]);
        const task = getTask("sudoku-4x4");
        const solver = new Solver(engine, task, { policy: "fixed:3", batchSize: 2 });
        const puzzles = [QUESTION, QUESTION, QUESTION].map((text) => task.parse(text));
        const answers = [];
        for await (const { answer } of solver.solveMany(puzzles)) answers.push(String(answer));
        assert.equal(new Set(answers).size, 1);
        assert.ok(made > 6);
        assert.equal(freed, made);
        await engine.close();
    });
});

test("what cannot be opened is refused", NEEDS_FIXTURES, async () => {
    const open = async (/** @type {object} */ options) =>
        Engine.open(await bundleOf(TINY), { load: loadOrt, ...options });
    await refuses("Unknown provider 'cuda'. Allowed: webgpu, wasm.", () => open({ providers: ["cuda"] }));
    await refuses("Unknown provider ''", () => open({ providers: [] }));
    await refuses("threads must be at least 1, not 0", () => open({ providers: ["wasm"], threads: 0 }));
    await refuses("opens onnx graphs, this bundle holds executorch", () =>
        chosen("sudoku-4x4.fp32.executorch-step", ["wasm"]),
    );
});

test("the library has one number of threads, set when it starts", NEEDS_FIXTURES, async () => {
    const open = async (/** @type {number} */ threads) =>
        Engine.open(await bundleOf(TINY), { load: loadOrt, providers: ["wasm"], threads });
    const engine = await open(1);
    assert.deepEqual([engine.threads, engine.reasons], [1, []]);
    await engine.close();
    const other = await open(2);
    assert.equal(other.threads, 1);
    assert.match(other.reasons[0].reason, /has started with 1/);
    await other.close();
});
