/**
 * Typed reading of untrusted JSON: every complaint names the document and the field. Knows nothing about bundles; the
 * manifest and the golden vectors are both read through it.
 */

import { InvalidBundle, unknown } from "./errors.js";
import { NotJson, Real, dump, parse } from "./json.js";
import { isPrintable, length } from "./python.js";

const MAX_TEXT = 1000; // characters of one text field
export const MAX_INT = 2 ** 31 - 1; // what Java, JavaScript and int32 tensors all hold

/**
 * Parse standard JSON.
 *
 * @param {string} text
 * @param {string} document what messages call it
 * @throws {InvalidBundle} not JSON
 */
export function parseJson(text, document) {
    try {
        return parse(text);
    } catch (error) {
        if (error instanceof NotJson) throw new InvalidBundle(`${document} is not valid JSON: ${error.message}`);
        throw error;
    }
}

/**
 * One JSON object of `document`, read field by field. Every getter throws InvalidBundle where the field is missing or
 * is not what the getter promises. Fields nobody asks for are ignored: that is the forward compatibility promise.
 */
export class Fields {
    #document;
    #path;
    /** @type {Map<string, unknown>} */
    #data;

    /**
     * @param {unknown} data
     * @param {string} document
     * @param {string} [path]
     */
    constructor(data, document, path = "") {
        this.#document = document;
        this.#path = path;
        if (!(data instanceof Map)) {
            const where = path ? `field '${path}'` : "the document";
            throw new InvalidBundle(`${document}: ${where} must be an object, not ${shown(data)}`);
        }
        this.#data = data;
    }

    /** The value as parsed, whatever its type.  @param {string} name @returns {unknown} */
    raw(name) {
        if (!this.#data.has(name))
            throw new InvalidBundle(`${this.#document}: field '${this.#path}${name}' is missing`);
        return this.#data.get(name);
    }

    /** Whether the field is there; for fields that older documents do not have.  @param {string} name */
    has(name) {
        return this.#data.has(name);
    }

    /**
     * Complain that field `name` must be `rule`.
     *
     * @param {string} name
     * @param {string} rule
     * @returns {never}
     */
    refuse(name, rule) {
        const given = shown(this.#data.get(name));
        throw new InvalidBundle(`${this.#document}: field '${this.#path}${name}' must be ${rule}, not ${given}`);
    }

    /** A printable, non-empty line.  @param {string} name */
    text(name) {
        const value = this.raw(name);
        if (typeof value !== "string" || !value || length(value) > MAX_TEXT || !isPrintable(value)) {
            this.refuse(name, `one printable line of 1 to ${MAX_TEXT} characters`);
        }
        return /** @type {string} */ (value);
    }

    /** A whole number in `low..high`.  @param {string} name @param {{ low?: number, high?: number }} [range] */
    integer(name, { low = 0, high = MAX_INT } = {}) {
        const value = this.raw(name);
        if (!isWhole(value, low, high)) this.refuse(name, `a whole number from ${low} to ${high}`);
        return /** @type {number} */ (value);
    }

    /** A finite number.  @param {string} name */
    number(name) {
        const value = asNumber(this.raw(name));
        if (value === null) this.refuse(name, "a finite number");
        return value;
    }

    /** An array of finite numbers.  @param {string} name */
    numbers(name) {
        return this.array(name).map((item) => asNumber(item) ?? this.refuse(name, "an array of finite numbers"));
    }

    /** An array of whole numbers from 0 to MAX_INT.  @param {string} name */
    integers(name) {
        const values = this.array(name);
        if (!values.every((value) => isWhole(value, 0, MAX_INT))) {
            this.refuse(name, `an array of whole numbers from 0 to ${MAX_INT}`);
        }
        return /** @type {number[]} */ (values);
    }

    /** An array of anything.  @param {string} name */
    array(name) {
        const value = this.raw(name);
        if (!Array.isArray(value)) this.refuse(name, "an array");
        return /** @type {unknown[]} */ (value);
    }

    /** An object, kept as parsed.  @param {string} name */
    object(name) {
        const value = this.raw(name);
        if (!(value instanceof Map)) this.refuse(name, "an object");
        return /** @type {Map<string, unknown>} */ (value);
    }

    /** An object, or null.  @param {string} name */
    optionalObject(name) {
        return this.raw(name) === null ? null : this.object(name);
    }

    /** One of `allowed`.  @template {string} T @param {string} name @param {readonly T[]} allowed */
    choice(name, allowed) {
        const value = this.text(name);
        if (!allowed.includes(/** @type {T} */ (value))) {
            throw new InvalidBundle(`${this.#document}: ${unknown(name, value, allowed)}`);
        }
        return /** @type {T} */ (value);
    }

    /** The object in field `name`.  @param {string} name */
    child(name) {
        return new Fields(this.raw(name), this.#document, `${this.#path}${name}.`);
    }

    /** The objects in the array of field `name`.  @param {string} name */
    children(name) {
        return this.array(name).map(
            (item, index) => new Fields(item, this.#document, `${this.#path}${name}[${index}].`),
        );
    }
}

/** @param {unknown} value @param {number} low @param {number} high */
export function isWhole(value, low, high) {
    return typeof value === "number" && Number.isInteger(value) && value >= low && value <= high;
}

/** A parsed JSON value as a finite number; null for anything else (`true` is no number, nor is 1e999).
 * @param {unknown} value */
export function asNumber(value) {
    const number = value instanceof Real ? value.value : typeof value === "bigint" ? Number(value) : value;
    return typeof number === "number" && Math.abs(number) < 1e300 ? number : null;
}

/** @param {unknown} value */
function shown(value) {
    const text = dump(value);
    return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
