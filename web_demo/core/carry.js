/**
 * Numbers of a carry as the graph stores them: float32, float16, or integers with a scale. From the first step on the
 * host hands them from output to input as they are; this makes what the first step starts from.
 */

import { CARRY_INTEGERS } from "./contract.js";

/**
 * A state before the first step, as a graph of that `dtype` takes it: float16 as its bits.
 *
 * @param {import("./contract.js").CarrySpec} state
 * @param {string} dtype float32, float16, uint8 or uint16
 * @param {number} count how often its initial vector is repeated: rows times positions
 * @returns {Float32Array | Uint16Array | Uint8Array} [count * hidden]
 */
export function initialState(state, dtype, count) {
    const hidden = state.init.length;
    const stored = state.init.map((value) => storedValue(state, dtype, Math.fround(value)));
    const size = count * hidden;
    const whole =
        dtype === "float32" ? new Float32Array(size) : dtype === "uint8" ? new Uint8Array(size) : new Uint16Array(size);
    for (let at = 0; at < size; at += hidden) whole.set(stored, at);
    return whole;
}

/**
 * @param {import("./contract.js").CarrySpec} state
 * @param {string} dtype
 * @param {number} value a float32 number
 */
function storedValue({ scale, zeroPoint }, dtype, value) {
    if (dtype === "float16") return toHalf(value);
    if (scale === null || zeroPoint === null) return value;
    const integer = roundHalfEven(Math.fround(value / Math.fround(scale))) + zeroPoint;
    return Math.min(Math.max(integer, 0), CARRY_INTEGERS[dtype]);
}

/** @param {number} value */
function roundHalfEven(value) {
    const below = Math.floor(value);
    const rest = value - below;
    if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
    return below % 2 === 0 ? below : below + 1;
}

const FLOAT_BITS = new Float32Array(1);
const INTEGER_BITS = new Uint32Array(FLOAT_BITS.buffer);

/**
 * The bits of the nearest half precision number, ties to even.
 *
 * @param {number} value a float32 number, not NaN
 */
export function toHalf(value) {
    FLOAT_BITS[0] = value;
    const bits = INTEGER_BITS[0];
    const sign = (bits >>> 16) & 0x8000;
    const size = Math.abs(value);
    if (size >= 65520) return sign | 0x7c00; // rounds to infinity
    if (size < 2 ** -14) return sign | roundHalfEven(size * 2 ** 24); // subnormal: multiples of 2^-24
    const exponent = ((bits >>> 23) & 0xff) - 127;
    const mantissa = bits & 0x7fffff;
    return sign | (((exponent + 15) << 10) + roundHalfEven(mantissa / 2 ** 13)); // may carry into the exponent
}
