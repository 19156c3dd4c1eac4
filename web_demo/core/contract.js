/**
 * The graph contract: which tensors a graph of each variant takes and gives (docs/bundle.md, "The graph"). A manifest
 * is checked against it, and the engine checks the file against the manifest.
 */

import { reprList } from "./python.js";

/**
 * @typedef {object} TensorSpec
 * @property {string} name
 * @property {(number | string)[]} shape sizes; a text names a size that may vary
 * @property {string} dtype one of DTYPES
 */

/**
 * One recurrent state of a step graph.
 *
 * @typedef {object} CarrySpec
 * @property {string} input name of the graph input that takes the state
 * @property {string} output name of the graph output that gives the next one
 * @property {number[]} init initial vector [hidden], in real numbers, the same for every row and position
 * @property {number | null} scale of a state stored in integers, `real = scale * (stored - zeroPoint)`; else null
 * @property {number | null} zeroPoint the stored value of 0; null where there is no scale
 */

/** What the contract needs to know of a manifest.
 * @typedef {Pick<import("./manifest.js").Manifest, "graph" | "carry" | "inputs" | "outputs" | "puzzles" | "seqLen" |
 *     "vocabSize" | "steps" | "puzzlePrefixLen">} Tensors */

export const DTYPES = ["float32", "float16", "int64", "int32", "int16", "uint16", "int8", "uint8", "bool"];

export const FLOAT32_MAX = 3.4028234663852886e38;
/** @type {Record<string, number>} */
const LARGEST = { float16: 65504, float32: FLOAT32_MAX };
/** Integer types of a carry, with their largest value. @type {Record<string, number>} */
export const CARRY_INTEGERS = { uint8: 255, uint16: 65535 };
const SMALLEST_SCALE = 1e-30; // of an integer carry: float32 holds its quotients

/**
 * Where a manifest's tensors leave the contract, in one line, or null.
 *
 * @param {Tensors} m
 * @returns {string | null}
 */
export function graphProblem(m) {
    const step = m.graph === "step";
    if (step !== m.carry.length > 0) return `a ${m.graph} graph must ${step ? "have" : "not have"} a 'carry'`;
    const tokens = m.inputs.findLast((spec) => spec.name === "tokens");
    if (tokens === undefined || tokens.shape.length !== 2) {
        return "field 'inputs' must hold 'tokens' of shape [batch, seq_len]";
    }
    const puzzleIds = m.inputs.some((spec) => spec.name === "puzzle_ids");
    if (puzzleIds !== m.puzzles.length > 1 && !(puzzleIds && m.puzzles.length > 0)) {
        return `${m.puzzles.length} kept 'puzzles' do not fit ${puzzleIds ? "an" : "no"} input 'puzzle_ids'`;
    }
    const dtype = carryDtype(m);
    for (const state of m.carry) {
        const reason = stateProblem(state, dtype);
        if (reason !== null) return reason;
    }
    const { inputs, outputs } = graphIo(m, tokens.shape[0], puzzleIds, dtype);
    return difference("inputs", inputs, m.inputs) ?? difference("outputs", outputs, m.outputs);
}

/** @param {Tensors} m */
function carryDtype(m) {
    const first = m.inputs.findLast((spec) => spec.name === m.carry[0]?.input);
    return first !== undefined && (first.dtype === "float16" || first.dtype in CARRY_INTEGERS)
        ? first.dtype
        : "float32";
}

/**
 * Inputs and outputs of a graph that keeps the contract, in graph order.
 *
 * @param {Tensors} m
 * @param {number | string} batch
 * @param {boolean} puzzleIds
 * @param {string} dtype of the carry
 */
function graphIo(m, batch, puzzleIds, dtype) {
    /** @type {TensorSpec[]} */
    const inputs = [{ name: "tokens", shape: [batch, m.seqLen], dtype: "int32" }];
    if (puzzleIds) inputs.push({ name: "puzzle_ids", shape: [batch], dtype: "int32" });
    const lead = m.graph === "unrolled" ? [m.steps, batch] : [batch];
    /** @type {TensorSpec[]} */
    const outputs = [
        { name: "logits", shape: [...lead, m.seqLen, m.vocabSize], dtype: "float32" },
        { name: "q_halt", shape: lead, dtype: "float32" },
    ];
    if (m.graph === "step") {
        for (const state of m.carry) {
            const shape = [batch, m.puzzlePrefixLen + m.seqLen, state.init.length];
            inputs.push({ name: state.input, shape, dtype });
            outputs.push({ name: state.output, shape, dtype });
        }
    } else if (m.graph === "loop") {
        inputs.push({ name: "budget", shape: [], dtype: "int64" }, { name: "threshold", shape: [], dtype: "float32" });
        outputs.push({ name: "steps", shape: [batch], dtype: "int64" });
    }
    return { inputs, outputs };
}

/**
 * What is wrong with the numbers of one state.
 *
 * @param {CarrySpec} state
 * @param {string} dtype
 */
function stateProblem(state, dtype) {
    const held = dtype in LARGEST ? dtype : "float32";
    if (!state.init.length || !state.init.every((value) => Math.abs(value) <= LARGEST[held])) {
        return `the initial vector of '${state.input}' must hold ${held} numbers, at least one`;
    }
    if (!(dtype in CARRY_INTEGERS)) {
        const unscaled = state.scale === null && state.zeroPoint === null;
        return unscaled ? null : `the ${dtype} state '${state.input}' must have neither 'scale' nor 'zero_point'`;
    }
    const largest = CARRY_INTEGERS[dtype];
    if (state.scale === null || !(SMALLEST_SCALE <= state.scale && state.scale <= FLOAT32_MAX)) {
        return `the ${dtype} state '${state.input}' must have a 'scale' of at least 1e-30`;
    }
    if (state.zeroPoint === null || state.zeroPoint < 0 || state.zeroPoint > largest) {
        return `the ${dtype} state '${state.input}' must have a 'zero_point' from 0 to ${largest}`;
    }
    return null;
}

/**
 * @param {string} field
 * @param {TensorSpec[]} expected
 * @param {TensorSpec[]} given
 */
function difference(field, expected, given) {
    const byName = new Map(given.map((spec) => [spec.name, spec]));
    const same = byName.size === given.length && expected.length === new Set(expected.map((spec) => spec.name)).size;
    if (!same || byName.size !== expected.length || !expected.every((spec) => byName.has(spec.name))) {
        const names = (/** @type {TensorSpec[]} */ specs) => specs.map((spec) => spec.name).join(", ");
        return `field '${field}' must hold exactly ${names(expected)}, not ${names(given)}`;
    }
    for (const spec of expected) {
        const other = /** @type {TensorSpec} */ (byName.get(spec.name));
        if (spec.dtype !== other.dtype || reprList(spec.shape) !== reprList(other.shape)) {
            return (
                `field '${field}': '${spec.name}' must be ${spec.dtype} ${reprList(spec.shape)},` +
                ` not ${other.dtype} ${reprList(other.shape)}`
            );
        }
    }
    return null;
}
