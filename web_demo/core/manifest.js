/**
 * The manifest of a bundle: everything a runtime must know before it opens the graph. Knows JSON and the rules of the
 * format (docs/bundle.md); knows nothing about folders, archives or engines.
 */

import { DTYPES, graphProblem } from "./contract.js";
import { isIsoDate } from "./dates.js";
import { InvalidBundle } from "./errors.js";
import { Fields, isWhole, parseJson } from "./fields.js";
import { plain } from "./json.js";
import { repr } from "./python.js";

/** @typedef {import("./contract.js").TensorSpec} TensorSpec */
/** @typedef {import("./contract.js").CarrySpec} CarrySpec */

/**
 * What `manifest.json` says; docs/bundle.md describes every field. Plain data, so that a worker can post it.
 *
 * @typedef {object} Manifest
 * @property {number} schemaVersion
 * @property {string} name
 * @property {string} task
 * @property {number} seqLen
 * @property {number} vocabSize
 * @property {"onnx" | "executorch"} format
 * @property {"step" | "unrolled" | "loop"} graph
 * @property {string} precision
 * @property {string} target
 * @property {string} evidence
 * @property {string} created
 * @property {number} steps
 * @property {{ policy: string, threshold: number, minSteps: number, maxSteps: number }} halting
 * @property {TensorSpec[]} inputs
 * @property {TensorSpec[]} outputs
 * @property {CarrySpec[]} carry
 * @property {number[]} puzzles
 * @property {number} puzzlePrefixLen
 * @property {string} modelFile
 * @property {Map<string, { sha256: string, bytes: number }>} files
 * @property {Record<string, any>} model
 * @property {Record<string, any>} graphStats
 * @property {Record<string, string>} tools
 * @property {Record<string, any> | null} parity
 * @property {Record<string, any> | null} placement
 * @property {Record<string, any>[]} latency
 */

export const MANIFEST = "manifest.json";
export const GOLDEN = "golden.json";
export const MODEL_CARD = "model-card.md";
export const MAX_FILES = 64;

const SCHEMA_VERSION = 1;
const MAX_FILE_BYTES = 2 * 1024 ** 3;
const MAX_BUNDLE_BYTES = 4 * 1024 ** 3; // all files together
const PRECISIONS = ["fp32", "fp16", "w8", "w8a8-dynamic", "w8a8", "w8a16", "auto"];
const EVIDENCE = ["hardware", "simulator", "compiled", "declared"];
const LITTER = [".ds_store", "thumbs.db", "desktop.ini"];

/**
 * Read a document strictly.
 *
 * @param {string} text
 * @returns {Manifest}
 * @throws {InvalidBundle} not JSON, a newer schema, or a field missing, mistyped or incoherent; names the field
 */
export function parseManifest(text) {
    return manifestOf(parseJson(text, MANIFEST));
}

/**
 * Like `parseManifest`, from what `parse` of json.js gave.
 *
 * @param {unknown} document
 * @returns {Manifest}
 */
export function manifestOf(document) {
    const data = new Fields(document, MANIFEST);
    const schema = data.integer("schema_version", { low: 1 });
    if (schema > SCHEMA_VERSION) {
        // before any other field: a newer schema may have renamed them
        throw new InvalidBundle(
            `${MANIFEST}: written by a newer trm-edge (schema ${schema}, this reads ${SCHEMA_VERSION}): upgrade`,
        );
    }
    const halting = data.child("halting");
    /** @type {Manifest} */
    const manifest = {
        schemaVersion: schema,
        name: data.text("name"),
        task: data.text("task"),
        seqLen: data.integer("seq_len", { low: 1 }),
        vocabSize: data.integer("vocab_size", { low: 2 }),
        format: data.choice("format", /** @type {const} */ (["onnx", "executorch"])),
        graph: data.choice("graph", /** @type {const} */ (["step", "unrolled", "loop"])),
        precision: data.choice("precision", PRECISIONS),
        target: data.text("target"),
        evidence: data.choice("evidence", EVIDENCE),
        created: data.text("created"),
        steps: data.integer("steps", { low: 1 }),
        halting: {
            policy: halting.text("policy"),
            threshold: halting.number("threshold"),
            minSteps: halting.integer("min_steps", { low: 1 }),
            maxSteps: halting.integer("max_steps", { low: 1 }),
        },
        inputs: data.children("inputs").map(tensor),
        outputs: data.children("outputs").map(tensor),
        carry: data.children("carry").map(carry),
        puzzles: data.integers("puzzles"),
        puzzlePrefixLen: data.integer("puzzle_prefix_len"),
        modelFile: data.text("model_file"),
        files: files(data),
        model: plain(data.object("model")),
        graphStats: plain(data.object("graph_stats")),
        tools: tools(data),
        parity: plain(data.optionalObject("parity")),
        placement: data.has("placement") ? plain(data.optionalObject("placement")) : null,
        latency: latency(data),
    };
    const reason = problem(manifest);
    if (reason !== null) throw new InvalidBundle(`${MANIFEST}: ${reason}`);
    if (!manifest.files.has(manifest.modelFile)) {
        throw new InvalidBundle(`${MANIFEST}: model_file '${manifest.modelFile}' is not listed under 'files'`);
    }
    return manifest;
}

/** Whether the graph has the input `puzzle_ids`.  @param {Manifest} manifest */
export function takesPuzzleIds(manifest) {
    return manifest.inputs.some((spec) => spec.name === "puzzle_ids");
}

/** The batch size built into the graph, or null where it may vary.  @param {Manifest} manifest */
export function fixedBatch(manifest) {
    const batch = manifest.inputs.find((spec) => spec.name === "tokens")?.shape[0];
    return typeof batch === "number" ? batch : null;
}

/**
 * Why `name` cannot name a file of a bundle, or null. A bundle is flat and its names are portable: that leaves no way
 * to write a parent folder, an absolute path, a drive, a backslash or a hidden file.
 *
 * @param {string} name
 */
export function unsafeName(name) {
    if (!/^[A-Za-z0-9._-]{1,100}$/.test(name)) {
        return "use 1 to 100 letters, digits, '.', '_' and '-', without folders";
    }
    if (/^[.-]|\.$/.test(name)) return "it must not start with '.' or '-' nor end with '.'";
    return name.toLowerCase() === MANIFEST ? "that is the manifest itself" : null;
}

/** Whether an operating system left this file in a folder it showed.  @param {string} name */
export function isLitter(name) {
    return LITTER.includes(name.toLowerCase()) || name.startsWith("._");
}

/**
 * The first thing wrong with a manifest whose fields have the right types, or null.
 *
 * @param {Manifest} m
 */
function problem(m) {
    const { minSteps, maxSteps } = m.halting;
    if (maxSteps < minSteps) return `halting.max_steps ${maxSteps} is less than halting.min_steps ${minSteps}`;
    if (m.graph === "unrolled" && maxSteps > m.steps) {
        return `halting.max_steps ${maxSteps} exceeds the ${m.steps} steps of the unrolled graph`;
    }
    if (new Set(m.puzzles).size !== m.puzzles.length) return "field 'puzzles' names an id twice";
    if (!isIsoDate(m.created)) return `field 'created' must be an ISO 8601 date, not '${m.created}'`;
    return filesProblem(m) ?? graphProblem(m);
}

/** @param {Manifest} m */
function filesProblem(m) {
    const names = [...m.files.keys()];
    if (names.length > MAX_FILES) {
        return `field 'files' lists ${names.length} files, at most ${MAX_FILES} are allowed`;
    }
    for (const name of [m.modelFile, ...names]) {
        const reason = unsafeName(name);
        if (reason !== null) return `unsafe file name ${repr(name)}: ${reason}`;
    }
    const declared = [...m.files.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    if (declared > MAX_BUNDLE_BYTES) {
        return `field 'files' declares ${declared} bytes together, at most ${MAX_BUNDLE_BYTES} are allowed`;
    }
    if (new Set(names.map((name) => name.toLowerCase())).size !== names.length) {
        return "field 'files' holds names that differ only in case";
    }
    return null;
}

/** @param {Fields} data */
function files(data) {
    const listing = data.child("files");
    const found = new Map();
    for (const name of data.object("files").keys()) {
        const entry = listing.child(name);
        const sha256 = entry.text("sha256");
        if (!/^[0-9a-f]{64}$/.test(sha256)) entry.refuse("sha256", "64 lower-case hexadecimal digits");
        found.set(name, { sha256, bytes: entry.integer("bytes", { high: MAX_FILE_BYTES }) });
    }
    return found;
}

/** @param {Fields} data */
function tools(data) {
    const versions = data.child("tools");
    return Object.fromEntries([...data.object("tools").keys()].map((name) => [name, versions.text(name)]));
}

/** @param {Fields} data */
function latency(data) {
    const items = data.array("latency");
    if (!items.every((item) => item instanceof Map)) data.refuse("latency", "an array of objects");
    return items.map(plain);
}

/** @param {Fields} data @returns {CarrySpec} */
function carry(data) {
    return {
        input: data.text("input"),
        output: data.text("output"),
        init: data.numbers("init"),
        scale: data.has("scale") ? data.number("scale") : null,
        zeroPoint: data.has("zero_point") ? data.integer("zero_point") : null,
    };
}

/** @param {Fields} data @returns {TensorSpec} */
function tensor(data) {
    const shape = data.array("shape");
    const isName = (/** @type {unknown} */ dim) =>
        typeof dim === "string" && /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(dim);
    if (!shape.every((dim) => isWhole(dim, 1, Number.MAX_SAFE_INTEGER) || isName(dim))) {
        data.refuse("shape", "an array of sizes >= 1 and names");
    }
    const dtype = data.text("dtype");
    if (!DTYPES.includes(dtype)) data.refuse("dtype", `one of ${DTYPES.join(", ")}`);
    return { name: data.text("name"), shape: /** @type {(number | string)[]} */ (shape), dtype };
}
