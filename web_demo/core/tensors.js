/**
 * Arrays with a shape, as they go in and out of a graph. Rows are along the first axis. Knows no engine; a tensor that
 * an engine keeps elsewhere (in a GPU's memory) has no `data`.
 */

/** @typedef {Float32Array | Uint16Array | Uint8Array | Int32Array | BigInt64Array} Data */

/**
 * @typedef {object} Tensor
 * @property {string} type a name out of DTYPES of contract.js; float16 is held as its bits
 * @property {readonly number[]} dims
 * @property {Data} data
 */

/** @typedef {{ readonly type: string, readonly dims: readonly number[] }} AnyTensor a Tensor, or an engine's own */

/**
 * The first `count` rows, without a copy.
 *
 * @param {Tensor} tensor
 * @param {number} count
 * @returns {Tensor}
 */
export function firstRows(tensor, count) {
    if (tensor.dims[0] === count) return tensor;
    const data = tensor.data.subarray(0, count * stride(tensor));
    return { type: tensor.type, dims: [count, ...tensor.dims.slice(1)], data };
}

/**
 * Copy a row over another one.
 *
 * @param {Tensor} tensor
 * @param {number} from
 * @param {number} to
 */
export function moveRow(tensor, from, to) {
    const size = stride(tensor);
    tensor.data.copyWithin(to * size, from * size, (from + 1) * size);
}

/**
 * Copy the first row of another tensor into a row.
 *
 * @param {Tensor} tensor
 * @param {number} row
 * @param {Tensor} other of the same type and row size
 */
export function setRow(tensor, row, other) {
    const size = stride(tensor);
    /** @type {{ set(from: unknown, at: number): void }} */ (tensor.data).set(other.data.subarray(0, size), row * size);
}

/** @param {Tensor} tensor */
function stride(tensor) {
    return tensor.dims.slice(1).reduce((product, size) => product * size, 1);
}

/**
 * Answers of logits: the first of the greatest along the last axis.
 *
 * @param {ArrayLike<number>} logits [.., tokens, values], flat
 * @param {number} start of the first token's logits
 * @param {number} tokens how many
 * @param {number} values of each
 */
export function argmax(logits, start, tokens, values) {
    const answer = new Int32Array(tokens);
    for (let token = 0, at = start; token < tokens; token++, at += values) {
        let best = 0;
        for (let value = 1; value < values; value++) if (logits[at + value] > logits[at + best]) best = value;
        answer[token] = best;
    }
    return answer;
}
