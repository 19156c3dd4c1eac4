/**
 * A session that plays a script, for a task of four tokens, and notices a host that mixes up the carries of two puzzles
 * or steps them out of order.
 */

import { manifestOf } from "../core/manifest.js";
import { parsed } from "../core/json.js";
import { Session } from "../core/session.js";

const SEQ = 4;
const VOCABULARY = 16;
const HIDDEN = 2; // z_H[.., 0] holds 1 + the puzzle's index, z_L[.., 0] the steps done; both start at 0
const DIGEST = "0".repeat(64);

/** A task without text: grids are one row of tokens; an answer obeys the rules if its first token is 7.
 * @type {import("../core/types.js").Task} */
export const fakeTask = {
    id: "fake",
    family: "fake",
    hasRules: true,
    seqLen: SEQ,
    vocabSize: VOCABULARY,
    parse: (text) => ({ question: [[...text].map(Number)] }),
    format: (grid) => grid.flat().join(""),
    encode: (grid) => Int32Array.from(grid.flat()),
    decode: (tokens) => [Array.from(tokens)],
    check: (_, answer) => (answer[0][0] === 7 ? null : "the first token is not 7"),
    solved: (_, answer) => answer[0] === 7,
};

/** The `n`-th puzzle of a script.  @param {number} n */
export const fakePuzzle = (n) => ({ question: [[n % VOCABULARY, 1, 1, n >> 4]] });

/**
 * @param {"step" | "unrolled" | "loop"} graph
 * @param {number} steps
 * @param {{ batch?: number | string, puzzles?: number[] }} [options]
 */
export function fakeManifest(graph, steps, { batch = "batch", puzzles = [] } = {}) {
    const spec = (/** @type {string} */ name, /** @type {any[]} */ shape, dtype = "float32") => ({
        name,
        shape,
        dtype,
    });
    const lead = graph === "unrolled" ? [steps, batch] : [batch];
    const inputs = [spec("tokens", [batch, SEQ], "int32")];
    if (puzzles.length > 1) inputs.push(spec("puzzle_ids", [batch], "int32"));
    const outputs = [spec("logits", [...lead, SEQ, VOCABULARY]), spec("q_halt", lead)];
    const carry = [];
    if (graph === "step") {
        for (const name of ["z_H", "z_L"]) {
            inputs.push(spec(name, [batch, SEQ, HIDDEN]));
            outputs.push(spec(`${name}_next`, [batch, SEQ, HIDDEN]));
            carry.push({ input: name, output: `${name}_next`, init: [0, 0] });
        }
    } else if (graph === "loop") {
        inputs.push(spec("budget", [], "int64"), spec("threshold", []));
        outputs.push(spec("steps", [batch], "int64"));
    }
    return manifestOf(
        parsed({
            schema_version: 1,
            name: "fake",
            task: "fake",
            seq_len: SEQ,
            vocab_size: VOCABULARY,
            format: "onnx",
            graph,
            precision: "fp32",
            target: "cpu",
            evidence: "hardware",
            created: "2026-11-24",
            steps,
            halting: { policy: "act", threshold: 0, min_steps: 1, max_steps: steps },
            inputs,
            outputs,
            carry,
            puzzles,
            puzzle_prefix_len: 0,
            model_file: "model.onnx",
            files: { "model.onnx": { sha256: DIGEST, bytes: 1 } },
            model: {},
            graph_stats: {},
            tools: {},
            parity: null,
            latency: [],
        }),
    );
}

/** A step graph's session. `q[step][n]` and `first[step][n]`, the first answer token, are the script. */
export class FakeSession extends Session {
    /** @type {number[]} rows of every call so far */
    widths = [];

    /**
     * @param {number[][]} q
     * @param {number[][]} first
     * @param {{ batch?: number | string, puzzles?: number[] }} [options]
     */
    constructor(q, first, options) {
        super(fakeManifest("step", q.length, options));
        this.q = q;
        this.first = first;
    }

    /** @override @param {import("../core/session.js").Tensors} inputs */
    async compute(inputs) {
        const given = /** @type {Record<string, import("../core/tensors.js").Tensor>} */ (inputs);
        const batch = given.tokens.dims[0];
        this.widths.push(batch);
        const tensor = (/** @type {number[]} */ dims) => ({
            type: "float32",
            dims,
            data: new Float32Array(dims.reduce((product, size) => product * size, 1)),
        });
        const outputs = {
            logits: tensor([batch, SEQ, VOCABULARY]),
            q_halt: tensor([batch]),
            z_H_next: tensor([batch, SEQ, HIDDEN]),
            z_L_next: tensor([batch, SEQ, HIDDEN]),
        };
        for (let row = 0; row < batch; row++) {
            const tokens = given.tokens.data.subarray(row * SEQ, (row + 1) * SEQ);
            if (!tokens.some(Boolean)) continue; // a row that nobody waits for
            const puzzle = Number(tokens[0]) + 16 * Number(tokens[3]);
            const at = row * SEQ * HIDDEN;
            const [owner, done] = [Number(given.z_H.data[at]), Number(given.z_L.data[at])];
            if (owner !== 0 && owner !== puzzle + 1) throw new Error(`puzzle ${puzzle} got the carry of ${owner - 1}`);
            if ((owner === 0) !== (done === 0))
                throw new Error(`the states of puzzle ${puzzle} do not belong together`);
            outputs.z_H_next.data[at] = puzzle + 1;
            outputs.z_L_next.data[at] = done + 1;
            outputs.q_halt.data[row] = this.q[done][puzzle];
            outputs.logits.data[row * SEQ * VOCABULARY + this.first[done][puzzle]] = 1;
        }
        return outputs;
    }
}
