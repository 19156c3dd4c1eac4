/**
 * Golden vectors: what the float model answered, so that every runtime can prove itself on the device. Knows arrays and
 * JSON; does not know how to run anything.
 */

import { FLOAT32_MAX } from "./contract.js";
import { InvalidBundle } from "./errors.js";
import { Fields, MAX_INT, asNumber, isWhole, parseJson } from "./fields.js";
import { GOLDEN } from "./manifest.js";

/**
 * `n` puzzles and what the float model made of them.
 *
 * @typedef {object} Golden
 * @property {Int32Array[]} tokens puzzles, [n][seqLen]
 * @property {Int32Array} puzzleIds original puzzle ids, not rows [n]
 * @property {Int32Array[]} answers answers at the halting step of the bundle's default policy [n][seqLen]
 * @property {Int32Array[]} lastAnswers answers after the last step [n][seqLen]
 * @property {Int32Array} haltingSteps that halting step, counted from 1 [n]
 * @property {Float32Array[]} qHalt halting logits after every step [steps][n]
 */

/** @typedef {{ shape: number[], values: number[] }} Numbers a rectangular array, flat */

/**
 * Read and validate.
 *
 * @param {string} text
 * @returns {Golden}
 * @throws {InvalidBundle} names the field that is missing, ragged, mistyped or out of range
 */
export function parseGolden(text) {
    const data = new Fields(parseJson(text, GOLDEN), GOLDEN);
    const tokens = numbers(data, "tokens", true);
    const puzzleIds = numbers(data, "puzzle_ids", true);
    const answers = numbers(data, "answers", true);
    const lastAnswers = numbers(data, "last_answers", true);
    const haltingSteps = numbers(data, "halting_steps", true);
    const qHalt = numbers(data, "q_halt", false);
    if (tokens.shape.length !== 2 || !tokens.values.length) throw misshapen("tokens", "[n, seq_len]", tokens);
    if (qHalt.shape.length !== 2 || !qHalt.values.length) throw misshapen("q_halt", "[steps, n]", qHalt);
    const [n, seqLen] = tokens.shape;
    const steps = qHalt.shape[0];
    demand("puzzle_ids", puzzleIds, [n]);
    demand("answers", answers, [n, seqLen]);
    demand("last_answers", lastAnswers, [n, seqLen]);
    demand("halting_steps", haltingSteps, [n]);
    demand("q_halt", qHalt, [steps, n]);
    if (haltingSteps.values.some((step) => step < 1 || step > steps)) {
        throw new InvalidBundle(`${GOLDEN}: 'halting_steps' must lie in 1..${steps}`);
    }
    return {
        tokens: rows(tokens, Int32Array),
        puzzleIds: Int32Array.from(puzzleIds.values),
        answers: rows(answers, Int32Array),
        lastAnswers: rows(lastAnswers, Int32Array),
        haltingSteps: Int32Array.from(haltingSteps.values),
        qHalt: rows(qHalt, Float32Array),
    };
}

/**
 * Check that the vectors belong to a model of this manifest.
 *
 * @param {Golden} golden
 * @param {import("./manifest.js").Manifest} manifest
 * @throws {InvalidBundle} other sequence length, tokens outside the vocabulary, puzzle ids not kept
 */
export function checkGolden(golden, manifest) {
    const length = golden.tokens[0].length;
    if (length !== manifest.seqLen) {
        throw new InvalidBundle(`${GOLDEN}: ${length} tokens a puzzle, the manifest says ${manifest.seqLen}`);
    }
    const fields = { tokens: golden.tokens, answers: golden.answers, last_answers: golden.lastAnswers };
    for (const [name, arrays] of Object.entries(fields)) {
        if (arrays.some((array) => array.some((token) => token >= manifest.vocabSize))) {
            throw new InvalidBundle(`${GOLDEN}: '${name}' must lie in 0..${manifest.vocabSize - 1}`);
        }
    }
    const kept = new Set(manifest.puzzles);
    const strangers = [...golden.puzzleIds].filter((id) => !kept.has(id));
    if (kept.size && strangers.length) {
        const first = strangers.reduce((least, id) => Math.min(least, id));
        throw new InvalidBundle(`${GOLDEN}: puzzle id ${first} is not among the kept puzzles of the manifest`);
    }
}

/**
 * @param {Fields} data
 * @param {string} name
 * @param {boolean} whole
 * @returns {Numbers}
 */
function numbers(data, name, whole) {
    const rule = whole ? "an array of whole numbers >= 0" : "an array of float32 numbers";
    const given = data.array(name);
    const shape = shapeOf(given);
    /** @type {number[]} */
    const values = [];
    const collect = (/** @type {unknown} */ item, /** @type {number} */ axis) => {
        if (axis < shape.length) {
            if (!Array.isArray(item) || item.length !== shape[axis]) data.refuse(name, "a rectangular array");
            for (const one of /** @type {unknown[]} */ (item)) collect(one, axis + 1);
            return;
        }
        if (Array.isArray(item)) data.refuse(name, "a rectangular array");
        const value = whole ? (isWhole(item, 0, MAX_INT) ? /** @type {number} */ (item) : null) : asNumber(item);
        if (value === null || Math.abs(value) > FLOAT32_MAX) data.refuse(name, rule);
        values.push(value);
    };
    collect(given, 0);
    if (whole && !values.length) data.refuse(name, rule);
    return { shape, values };
}

/** Sizes as the first items have them.  @param {unknown} item @returns {number[]} */
function shapeOf(item) {
    return Array.isArray(item) ? [item.length, ...(item.length ? shapeOf(item[0]) : [])] : [];
}

/** @param {string} name @param {Numbers} array @param {number[]} shape */
function demand(name, array, shape) {
    if (String(array.shape) !== String(shape)) throw misshapen(name, `[${shape.join(", ")}]`, array);
}

/** @param {string} name @param {string} shape @param {Numbers} array */
function misshapen(name, shape, array) {
    return new InvalidBundle(`${GOLDEN}: '${name}' must have shape ${shape}, not [${array.shape.join(", ")}]`);
}

/**
 * @template {Int32Array | Float32Array} T
 * @param {Numbers} array [rows, columns]
 * @param {{ from(values: number[]): T }} type
 * @returns {T[]}
 */
function rows({ shape, values }, type) {
    const [count, width] = shape;
    return Array.from({ length: count }, (_, row) => type.from(values.slice(row * width, (row + 1) * width)));
}
