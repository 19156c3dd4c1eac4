/**
 * A bundle's graph in onnxruntime-web, on the CPU (WASM, with threads) or the GPU (WebGPU). The library is handed in,
 * so that nothing is loaded before it is needed, and Node can run the same code. Knows no policy and no task.
 *
 * On a GPU the carry stays there from step to step; only logits and halting logits come back.
 */

import { InvalidBundle, InvalidInput, Refused, oneLine } from "./errors.js";
import { reprList } from "./python.js";
import { Session } from "./session.js";

/** @typedef {import("./bundle.js").Bundle} Bundle */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./tensors.js").Tensor} Tensor */
/** @typedef {import("./tensors.js").AnyTensor} AnyTensor */
/** @typedef {import("./session.js").Tensors} Tensors */
/** @typedef {typeof import("onnxruntime-web")} Ort */
/** @typedef {"webgpu" | "wasm"} Provider */
/** @typedef {{ provider: Provider | "threads", reason: string }} Reason why something was not possible */

/**
 * @typedef {object} Options
 * @property {(provider: Provider) => Promise<Ort>} load gives the library with that provider in it
 * @property {readonly Provider[]} [providers] the preferred one first; the next is taken where one is not possible
 * @property {number | null} [threads] of WASM; null: one a core, at most 4
 */

/** @typedef {{ detail: string, software: boolean }} Device what computes in words, and whether software imitates it */

const CPU = { detail: "WASM", software: false };
/** The types of a carry that can stay on a GPU. */
const ON_GPU = ["float32", "float16"];
const NO_HALF = "f16"; // what the library says where an adapter computes in 32 bits only
const MOST_THREADS = 4; // more gain little on models this small

export class Engine extends Session {
    #ort;
    #graph;

    /**
     * @param {Manifest} manifest
     * @param {Ort} ort
     * @param {import("onnxruntime-web").InferenceSession} graph
     * @param {{ provider: Provider, detail: string, software: boolean, threads: number, reasons: Reason[],
     *     loadSeconds: number }} facts
     */
    constructor(manifest, ort, graph, { provider, detail, software, threads, reasons, loadSeconds }) {
        super(manifest);
        this.#ort = ort;
        this.#graph = graph;
        /** what computes */
        this.provider = provider;
        /** that, in words: `WASM`, `WebGPU on ...` */
        this.detail = detail;
        /** of WASM; of WebGPU those that wait */
        this.threads = threads;
        /** why providers before this one, or more threads, were not possible */
        this.reasons = reasons;
        /** what a profile says of it */
        this.side = {
            runtime: "onnxruntime-web",
            provider: detail,
            target: provider === "webgpu" ? "webgpu" : "cpu",
            software,
            threads,
            loadSeconds: [loadSeconds],
        };
        /** of the library @type {Record<string, string>} */
        this.versions = { "onnxruntime-web": ort.env.versions.web ?? ort.env.versions.common };
    }

    /**
     * Open the graph of a bundle with the first provider that can.
     *
     * @param {Bundle} bundle
     * @param {Options} options
     * @throws {InvalidInput} an unknown provider, threads below 1
     * @throws {Refused} no provider can run it
     * @throws {InvalidBundle} the graph cannot be loaded or is not what the manifest says
     */
    static async open(bundle, { load, providers = ["webgpu", "wasm"], threads = null }) {
        const { manifest } = bundle;
        if (manifest.format !== "onnx") {
            throw new Refused(
                `onnxruntime opens onnx graphs, this bundle holds ${manifest.format}. Export it with --format onnx.`,
            );
        }
        if (!providers.length || !providers.every((name) => ["webgpu", "wasm"].includes(name))) {
            throw new InvalidInput(`Unknown provider '${providers.join(", ")}'. Allowed: webgpu, wasm.`);
        }
        if (threads !== null && !(Number.isInteger(threads) && threads >= 1)) {
            throw new InvalidInput(`threads must be at least 1, not ${threads}`);
        }
        /** @type {Reason[]} */
        const reasons = [];
        for (const provider of providers) {
            const alternatives = provider !== providers[providers.length - 1];
            const device = provider === "webgpu" ? await lookForGpu(manifest, alternatives) : CPU;
            if (typeof device === "string") {
                reasons.push({ provider, reason: device });
                continue;
            }
            try {
                return await opened(bundle, provider, device, await load(provider), threads, reasons);
            } catch (error) {
                if (!alternatives || error instanceof InvalidInput) throw error;
                reasons.push({ provider, reason: oneLine(error) });
            }
        }
        const why = reasons.map(({ provider, reason }) => `${provider}: ${reason}`).join(" ");
        throw new Refused(`No provider can run this bundle. ${why}`);
    }

    /** @override @param {Tensors} inputs */
    async compute(inputs) {
        const { Tensor } = this.#ort;
        /** @type {Record<string, import("onnxruntime-web").Tensor>} */
        const feeds = {};
        for (const [name, tensor] of Object.entries(inputs)) {
            feeds[name] = tensor instanceof Tensor ? tensor : made(Tensor, /** @type {Tensor} */ (tensor));
        }
        try {
            return /** @type {any} */ (await this.#graph.run(feeds));
        } catch (error) {
            const line = oneLine(error);
            if (this.provider === "webgpu" && line.includes(NO_HALF))
                throw new Refused(noHalf(this.detail, this.manifest));
            throw new InvalidBundle(`onnxruntime could not run the graph: ${line}`);
        }
    }

    /** @override @param {AnyTensor} tensor @returns {Promise<Tensor>} */
    async host(tensor) {
        if (!(tensor instanceof this.#ort.Tensor)) return /** @type {Tensor} */ (tensor);
        const { type, dims } = tensor;
        const data = /** @type {any} */ (await tensor.getData(true)); // frees what lies on the GPU
        const bits = type === "float16" && !(data instanceof Uint16Array);
        return { type, dims, data: bits ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data };
    }

    /** @override @param {AnyTensor} tensor */
    free(tensor) {
        if (tensor instanceof this.#ort.Tensor && tensor.location === "gpu-buffer") tensor.dispose();
    }

    /** @override */
    async close() {
        await super.close();
        await this.#graph.release();
    }
}

/**
 * @param {Bundle} bundle
 * @param {Provider} provider
 * @param {Device} device
 * @param {Ort} ort
 * @param {number | null} threads
 * @param {Reason[]} reasons
 */
async function opened(bundle, provider, device, ort, threads, reasons) {
    const { manifest } = bundle;
    const began = performance.now();
    const count = setThreads(ort, threads, reasons);
    ort.env.logLevel = "error";
    /** @type {Record<string, "gpu-buffer">} */
    const kept = {};
    if (provider === "webgpu") {
        for (const { name, dtype } of manifest.outputs) {
            if (manifest.carry.some(({ output }) => output === name) && ON_GPU.includes(dtype))
                kept[name] = "gpu-buffer";
        }
    }
    let graph;
    try {
        graph = await ort.InferenceSession.create(bundle.model(), {
            executionProviders: [provider],
            graphOptimizationLevel: "all",
            logSeverityLevel: 3,
            ...(Object.keys(kept).length ? { preferredOutputLocation: kept } : {}),
        });
    } catch (error) {
        const line = `onnxruntime cannot load '${bundle.label}': ${oneLine(error)}`;
        // a GPU may be the reason, then another provider gets its turn; a CPU is not
        throw provider === "webgpu" ? new Error(line) : new InvalidBundle(line);
    }
    compare("input", graph.inputMetadata, manifest.inputs);
    compare("output", graph.outputMetadata, manifest.outputs);
    const loadSeconds = (performance.now() - began) / 1000;
    return new Engine(manifest, ort, graph, { provider, ...device, threads: count, reasons, loadSeconds });
}

/** @param {Ort["Tensor"]} Kind  @param {Tensor} tensor */
function made(Kind, { type, dims, data }) {
    return new Kind(/** @type {any} */ (type), data, [...dims]);
}

/**
 * Set the number of threads, which the library takes once only, when it starts.
 *
 * @param {Ort} ort
 * @param {number | null} asked
 * @param {Reason[]} reasons is told why there are fewer
 */
function setThreads(ort, asked, reasons) {
    const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
    const wanted = asked ?? Math.min(cores, MOST_THREADS);
    const shared = typeof SharedArrayBuffer !== "undefined" && globalThis.crossOriginIsolated !== false;
    const count = shared ? wanted : 1;
    if (count < wanted) {
        const reason = "the page is not cross-origin isolated (COOP and COEP headers), so there is one thread";
        reasons.push({ provider: "threads", reason });
    }
    const set = started.get(ort);
    if (set !== undefined) {
        if (set !== count) reasons.push({ provider: "threads", reason: `the library has started with ${set} already` });
        return set;
    }
    ort.env.wasm.numThreads = count;
    started.set(ort, count);
    return count;
}

/** Threads that a library was started with. @type {WeakMap<Ort, number>} */
const started = new WeakMap();

/**
 * Whether WebGPU can run a bundle here.
 *
 * @param {Manifest} manifest
 * @param {boolean} alternatives whether there is another provider: a GPU that is software is only taken without
 * @returns {Promise<Device | string>} a text: why not
 */
async function lookForGpu(manifest, alternatives) {
    const { gpu } = /** @type {any} */ (globalThis.navigator ?? {});
    if (!gpu) return "this browser has no WebGPU.";
    if (manifest.graph === "loop") return "ONNX Runtime has no Loop operator for WebGPU. Export a step graph.";
    const adapter = await gpu.requestAdapter().catch(() => null);
    if (!adapter) return "the browser finds no graphics adapter.";
    const { vendor, architecture, description, isFallbackAdapter } = adapter.info ?? {};
    const named = description || [vendor, architecture].filter(Boolean).join(" ");
    const detail = `WebGPU on ${named || "an adapter without a name"}`;
    const software = Boolean(isFallbackAdapter) || /swiftshader|llvmpipe|lavapipe/i.test(detail);
    if (software && alternatives) return "the graphics adapter is software, slower than WASM.";
    const half = manifest.inputs.some(({ dtype }) => dtype === "float16") || manifest.precision === "fp16";
    if (half && !adapter.features.has("shader-f16")) return noHalf(detail, manifest);
    return { detail, software };
}

/** @param {string} detail @param {Manifest} manifest */
function noHalf(detail, manifest) {
    return (
        `${detail} does not compute in 16 bits (shader-f16), and this bundle is ${manifest.precision}.` +
        " Export it with --precision fp32."
    );
}

/**
 * Refuse a graph whose tensors are not those of its manifest. Sizes that vary are not compared.
 *
 * @param {"input" | "output"} kind
 * @param {readonly import("onnxruntime-web").InferenceSession.ValueMetadata[]} nodes
 * @param {readonly import("./contract.js").TensorSpec[]} specs
 */
function compare(kind, nodes, specs) {
    const names = nodes.map(({ name }) => name).sort();
    if (String(names) !== String(specs.map(({ name }) => name).sort())) {
        throw new InvalidBundle(`The graph's ${kind}s are ${names.join(", ")}: not what its manifest says`);
    }
    for (const spec of specs) {
        const node = nodes.find(({ name }) => name === spec.name);
        const { type, shape } = node?.isTensor ? node : { type: "no tensor", shape: [] };
        const differ = (/** @type {number | string} */ size, /** @type {number} */ axis) =>
            typeof size === "number" && typeof spec.shape[axis] === "number" && size !== spec.shape[axis];
        if (type !== spec.dtype || shape.length !== spec.shape.length || shape.some(differ)) {
            throw new InvalidBundle(
                `The graph's ${kind} '${spec.name}' is ${type} ${reprList([...shape])},` +
                    ` its manifest says ${spec.dtype} ${reprList(spec.shape)}`,
            );
        }
    }
}
