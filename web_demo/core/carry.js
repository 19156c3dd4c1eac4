/**
 * Numbers of a carry as the graph stores them: float32, float16, or integers with a scale. From the first step on the
 * host hands them from output to input as they are; this makes what the first step starts from.
 */

import { CARRY_INTEGERS } from "./contract.js";

/** @typedef {Float32Array | Uint16Array | Uint8Array} Stored */

/**
 * The initial vector of a state as a graph of that `dtype` takes it: float16 as its bits.
 *
 * @param {import("./contract.js").CarrySpec} state
 * @param {string} dtype float32, float16, uint8 or uint16
 * @returns {Stored} [hidden]
 */
export function storedInit(state, dtype) {
    if (dtype === "float16") return Uint16Array.from(state.init, (value) => toHalf(Math.fround(value)));
    if (state.scale === null || state.zeroPoint === null) return Float32Array.from(state.init);
    const scale = Math.fround(state.scale);
    const zero = state.zeroPoint;
    const largest = CARRY_INTEGERS[dtype];
    const integers = state.init.map((value) =>
        Math.min(Math.max(roundHalfEven(Math.fround(Math.fround(value) / scale)) + zero, 0), largest),
    );
    return dtype === "uint8" ? Uint8Array.from(integers) : Uint16Array.from(integers);
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
