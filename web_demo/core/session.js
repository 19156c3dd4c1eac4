/**
 * An open graph, whatever computes it: what goes in is checked, what comes out is checked, and the first carry is made.
 * Engines extend it and compute; nothing here knows halting policies, tasks or ONNX.
 */

import { initialState } from "./carry.js";
import { InvalidBundle, InvalidInput } from "./errors.js";
import { fixedBatch, takesPuzzleIds } from "./manifest.js";
import { reprList } from "./python.js";

/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./tensors.js").Tensor} Tensor */
/** @typedef {import("./tensors.js").AnyTensor} AnyTensor */
/** @typedef {Record<string, AnyTensor>} Tensors by name */

export class Session {
    /** @type {Map<number, number>} row of the kept puzzle embeddings by original id */
    #rows;
    #closed = false;

    /** @param {Manifest} manifest */
    constructor(manifest) {
        this.manifest = manifest;
        this.#rows = new Map(manifest.puzzles.map((id, row) => [id, row]));
    }

    /**
     * One call of the graph.
     *
     * @param {Tensors} inputs exactly the tensors of `manifest.inputs`, with one batch size
     * @returns {Promise<Tensors>} those of `manifest.outputs`; `logits`, `q_halt` and `steps` with their data, a carry
     *     perhaps without
     * @throws {InvalidInput} a tensor missing, unknown, of another shape or type, or with values out of range
     * @throws {InvalidBundle} the graph answered NaN, or not what the manifest says
     */
    async infer(inputs) {
        if (this.#closed) throw new InvalidInput("The session is closed: open it again");
        const batch = inputs.tokens?.dims[0] ?? 0;
        this.#checkInputs(inputs, batch);
        const outputs = await this.compute(inputs);
        this.#checkOutputs(outputs, batch);
        return outputs;
    }

    /**
     * The states before the first step of a step graph, by input name.
     *
     * @param {number} batch
     * @returns {Record<string, Tensor>} [batch, prefix + seq, hidden] each, as the graph stores them
     */
    initialCarry(batch) {
        /** @type {Record<string, Tensor>} */
        const carry = {};
        for (const state of this.manifest.carry) {
            const spec = this.manifest.inputs.find(({ name }) => name === state.input);
            if (spec === undefined) continue; // a manifest without it was refused
            const dims = atBatch(spec.shape, batch);
            const data = initialState(
                state,
                spec.dtype,
                dims.slice(0, -1).reduce((product, size) => product * size, 1),
            );
            carry[state.input] = { type: spec.dtype, dims, data };
        }
        return carry;
    }

    /**
     * Row of the kept puzzle embeddings for an original puzzle id; 0 where the model has none.
     *
     * @param {number} id
     * @throws {InvalidInput} the bundle did not keep that id
     */
    puzzleRow(id) {
        if (this.#rows.size === 0) return 0;
        const row = this.#rows.get(id);
        if (row !== undefined) return row;
        const kept = this.manifest.puzzles;
        const listed = kept.slice(0, 20).join(", ") + (kept.length > 20 ? `, ... (${kept.length} in all)` : "");
        throw new InvalidInput(`Puzzle id ${id} is not in this bundle. Kept: ${listed}. Export it again with that id.`);
    }

    /** Free the graph. Calling it twice is fine. */
    async close() {
        this.#closed = true;
    }

    // -- for engines -------------------------------------------------------------------------
    /**
     * Compute; the inputs are valid.
     *
     * @param {Tensors} _inputs
     * @returns {Promise<Tensors>}
     */
    compute(_inputs) {
        throw new Error("an engine computes");
    }

    /**
     * A tensor with its data, which the caller may change.
     *
     * @param {AnyTensor} tensor
     * @returns {Promise<Tensor>}
     */
    async host(tensor) {
        return /** @type {Tensor} */ (tensor);
    }

    /** Free what an engine keeps elsewhere.  @param {AnyTensor} _tensor */
    free(_tensor) {}

    // -- checks ------------------------------------------------------------------------------
    /** @param {Tensors} inputs @param {number} batch */
    #checkInputs(inputs, batch) {
        const m = this.manifest;
        const fixed = fixedBatch(m);
        if (batch < 1 || (fixed !== null && batch !== fixed)) {
            const wanted =
                fixed === null ? "at least 1 puzzle" : `exactly ${fixed} puzzle(s), as the graph was exported`;
            throw new InvalidInput(`Input 'tokens' must be a batch of ${wanted}: int32 [batch, seq_len]`);
        }
        const names = m.inputs.map((spec) => spec.name);
        const given = Object.keys(inputs);
        if (given.length !== names.length || !names.every((name) => name in inputs)) {
            throw new InvalidInput(`The graph takes exactly ${names.join(", ")}, not ${given.join(", ") || "nothing"}`);
        }
        for (const { name, shape, dtype } of m.inputs) {
            const expected = described({ type: dtype, dims: atBatch(shape, batch) });
            const found = described(inputs[name]);
            if (found !== expected) throw new InvalidInput(`Input '${name}' must be ${expected}, not ${found}`);
        }
        this.#checkRange(inputs, "tokens", m.vocabSize);
        if (takesPuzzleIds(m)) this.#checkRange(inputs, "puzzle_ids", m.puzzles.length);
    }

    /** @param {Tensors} inputs @param {string} name @param {number} limit */
    #checkRange(inputs, name, limit) {
        const { data } = /** @type {{ data: Int32Array }} */ (/** @type {unknown} */ (inputs[name]));
        let [low, high] = [data[0], data[0]];
        for (const value of data) {
            low = Math.min(low, value);
            high = Math.max(high, value);
        }
        if (low < 0 || high >= limit) {
            throw new InvalidInput(`Input '${name}' must lie in 0..${limit - 1}, it holds ${low}..${high}`);
        }
    }

    /** @param {Tensors} outputs @param {number} batch */
    #checkOutputs(outputs, batch) {
        for (const { name, shape, dtype } of this.manifest.outputs) {
            const expected = described({ type: dtype, dims: atBatch(shape, batch) });
            const found = outputs[name] === undefined ? "missing" : described(outputs[name]);
            if (found !== expected) {
                throw new InvalidBundle(`The graph's output '${name}' is ${found}, its manifest says ${expected}`);
            }
        }
        for (const name of ["logits", "q_halt"]) {
            const { data } = /** @type {{ data: Float32Array }} */ (/** @type {unknown} */ (outputs[name]));
            if (!holdsNaN(data)) continue;
            throw new InvalidBundle(
                `The graph answered NaN in '${name}': its weights hold NaN or its precision` +
                    ` (${this.manifest.precision}) overflows. Export it again, in fp32 if need be.`,
            );
        }
    }
}

/** @param {Float32Array} data */
function holdsNaN(data) {
    for (let at = 0; at < data.length; at++) if (data[at] !== data[at]) return true;
    return false;
}

/** @param {(number | string)[]} shape @param {number} batch */
function atBatch(shape, batch) {
    return shape.map((size) => (typeof size === "number" ? size : batch));
}

/** @param {AnyTensor} tensor */
function described({ type, dims }) {
    return `${type} ${reprList([...dims])}`;
}
