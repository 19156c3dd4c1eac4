/**
 * JSON as Python's `json.loads` reads it, with `NaN` and `Infinity` refused. `JSON.parse` is not strict enough for
 * untrusted documents: it takes `1.0` for a whole number, and rounds what is beyond 2^53 without a word.
 *
 * Objects become Maps (a plain object would sort names like "12" to the front). Numbers written without point and
 * exponent become numbers, beyond 2^53 bigints; a number written with one becomes a number too, unless it is whole
 * (`1.0`, `1e3`) or infinite: then it is a `Real`, so that nobody takes it for a whole one.
 */

import { repr, reprFloat } from "./python.js";

const MAX_DEPTH = 900; // Python's own limit is a little higher, and depends on who calls
const MAX_DIGITS = 4300; // of a whole number, Python's limit
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/y;
const ESCAPES = new Map([
    ['"', '"'],
    ["\\", "\\"],
    ["/", "/"],
    ["b", "\b"],
    ["f", "\f"],
    ["n", "\n"],
    ["r", "\r"],
    ["t", "\t"],
]);

/** A number that was written with a point or an exponent and is whole or infinite all the same, or NaN. */
export class Real {
    /** @param {number} value */
    constructor(value) {
        this.value = value;
    }
}

/** Not JSON. `line` and `column` count from 1, 0 where the place does not matter. */
export class NotJson extends Error {
    /** @param {string} reason  @param {number} [line]  @param {number} [column]  @param {number} [position] */
    constructor(reason, line = 0, column = 0, position = 0) {
        super(line ? `${reason}: line ${line} column ${column} (char ${position})` : reason);
        this.reason = reason;
        this.line = line;
        this.column = column;
    }
}

/**
 * @param {string} text
 * @param {{ constants?: boolean }} [options] constants: take `NaN` and `Infinity`, as Python does unless told not to
 * @returns {unknown} Map, array, string, number, bigint, Real, boolean or null
 * @throws {NotJson}
 */
export function parse(text, { constants = false } = {}) {
    return new Parser(text, constants).document();
}

/**
 * A parsed value as plain data; names lose nothing but their order.
 *
 * @param {unknown} value
 * @returns {any}
 */
export function plain(value) {
    if (value instanceof Map) return Object.fromEntries([...value].map(([name, item]) => [name, plain(item)]));
    if (Array.isArray(value)) return value.map(plain);
    if (value instanceof Real) return value.value;
    return typeof value === "bigint" ? Number(value) : value;
}

/**
 * Plain data as `parse` would give it; what is whole is taken to be written whole.
 *
 * @param {any} value
 * @returns {unknown}
 */
export function parsed(value) {
    if (Array.isArray(value)) return value.map(parsed);
    if (value !== null && typeof value === "object" && !(value instanceof Real)) {
        return new Map(Object.entries(value).map(([name, item]) => [name, parsed(item)]));
    }
    return value;
}

/**
 * `json.dumps` of a parsed value.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function dump(value) {
    if (typeof value === "string") return dumpText(value);
    if (Array.isArray(value)) return `[${value.map(dump).join(", ")}]`;
    if (value instanceof Map)
        return `{${[...value].map(([name, item]) => `${dumpText(name)}: ${dump(item)}`).join(", ")}}`;
    if (value instanceof Real) return Number.isFinite(value.value) ? reprFloat(value.value) : infinite(value.value);
    if (typeof value === "number") return Number.isInteger(value) ? String(value) : reprFloat(value);
    return String(value ?? null);
}

/**
 * Python's `repr` of a parsed value.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function reprParsed(value) {
    if (typeof value === "string") return repr(value);
    if (typeof value === "boolean") return value ? "True" : "False";
    if (value === null) return "None";
    if (Array.isArray(value)) return `[${value.map(reprParsed).join(", ")}]`;
    if (value instanceof Map) return `{${[...value].map((pair) => pair.map(reprParsed).join(": ")).join(", ")}}`;
    if (value instanceof Real) return reprFloat(value.value);
    return typeof value === "number" && !Number.isInteger(value) ? reprFloat(value) : String(value);
}

/** @param {number} value */
function infinite(value) {
    return value > 0 ? "Infinity" : "-Infinity";
}

/** @param {string} text */
function dumpText(text) {
    return JSON.stringify(text).replace(
        /[\u007f-\uffff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}

class Parser {
    /** @param {string} text  @param {boolean} constants */
    constructor(text, constants) {
        this.text = text;
        this.constants = constants;
        this.at = 0;
        this.depth = 0;
    }

    document() {
        if (this.text.startsWith("\ufeff")) throw this.wrong("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0);
        this.space();
        const value = this.value();
        this.space();
        if (this.at < this.text.length) throw this.wrong("Extra data");
        return value;
    }

    /** @returns {unknown} */
    value() {
        const { text, at } = this;
        switch (text[at]) {
            case '"':
                return this.string();
            case "{":
                return this.nested(() => this.object());
            case "[":
                return this.nested(() => this.array());
            case "n":
                return this.word("null", null);
            case "t":
                return this.word("true", true);
            case "f":
                return this.word("false", false);
            case "N":
                return this.constant("NaN", NaN);
            case "I":
                return this.constant("Infinity", Infinity);
            default:
                return text.startsWith("-Infinity", at) ? this.constant("-Infinity", -Infinity) : this.number();
        }
    }

    /** @param {() => unknown} read */
    nested(read) {
        if (++this.depth > MAX_DEPTH) throw new NotJson("nested too deeply");
        const value = read();
        this.depth--;
        return value;
    }

    object() {
        const found = new Map();
        this.at++;
        this.space();
        if (this.take("}")) return found;
        for (;;) {
            if (this.text[this.at] !== '"') throw this.wrong("Expecting property name enclosed in double quotes");
            const name = this.string();
            this.space();
            if (!this.take(":")) throw this.wrong("Expecting ':' delimiter");
            this.space();
            found.set(name, this.value()); // of two fields of one name the last counts, as in Python
            this.space();
            if (this.take("}")) return found;
            if (!this.take(",")) throw this.wrong("Expecting ',' delimiter");
            this.space();
        }
    }

    array() {
        /** @type {unknown[]} */
        const found = [];
        this.at++;
        this.space();
        if (this.take("]")) return found;
        for (;;) {
            found.push(this.value());
            this.space();
            if (this.take("]")) return found;
            if (!this.take(",")) throw this.wrong("Expecting ',' delimiter");
            this.space();
        }
    }

    string() {
        const { text } = this;
        const begin = this.at++;
        let found = "";
        let run = this.at;
        for (; ; this.at++) {
            if (this.at >= text.length) throw this.wrong("Unterminated string starting at", begin);
            const code = text.charCodeAt(this.at);
            if (code < 0x20) throw this.wrong("Invalid control character at");
            if (code !== 0x22 && code !== 0x5c) continue;
            found += text.slice(run, this.at);
            if (code === 0x22) {
                this.at++;
                return found;
            }
            found += this.escape(begin);
            run = this.at + 1;
        }
    }

    /** The character that an escape means; stands on its last character then.  @param {number} begin of the string */
    escape(begin) {
        const start = this.at++;
        const letter = this.text[this.at];
        if (letter === undefined) throw this.wrong("Unterminated string starting at", begin);
        if (letter !== "u") {
            const meant = ESCAPES.get(letter);
            if (meant === undefined) throw this.wrong("Invalid \\escape", start);
            return meant;
        }
        const digits = this.text.slice(this.at + 1, this.at + 5);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.wrong("Invalid \\uXXXX escape", this.at);
        this.at += 4;
        return String.fromCharCode(parseInt(digits, 16));
    }

    number() {
        NUMBER.lastIndex = this.at;
        const match = NUMBER.exec(this.text);
        if (match === null) throw this.wrong("Expecting value");
        this.at += match[0].length;
        const value = Number(match[0]);
        if (match[1] === undefined && match[2] === undefined) {
            if (Number.isSafeInteger(value)) return value + 0 === 0 ? 0 : value; // no negative zero
            const digits = match[0].replace("-", "").length;
            if (digits > MAX_DIGITS)
                throw new NotJson(`a whole number of ${digits} digits, at most ${MAX_DIGITS} are read`);
            return BigInt(match[0]);
        }
        return Number.isInteger(value) || !Number.isFinite(value) ? new Real(value) : value;
    }

    /** @param {string} word  @param {unknown} value */
    word(word, value) {
        if (!this.text.startsWith(word, this.at)) throw this.wrong("Expecting value");
        this.at += word.length;
        return value;
    }

    /** @param {string} word  @param {number} value */
    constant(word, value) {
        const found = this.word(word, new Real(value));
        if (!this.constants) throw new NotJson(`${word} is not JSON`);
        return found;
    }

    space() {
        const { text } = this;
        for (; ; this.at++) {
            const code = text.charCodeAt(this.at);
            if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
        }
    }

    /** @param {string} character */
    take(character) {
        if (this.text[this.at] !== character) return false;
        this.at++;
        return true;
    }

    /** @param {string} reason  @param {number} [at] */
    wrong(reason, at = this.at) {
        const before = this.text.slice(0, at);
        const line = before.split("\n").length;
        const column = [...before.slice(before.lastIndexOf("\n") + 1)].length + 1;
        return new NotJson(reason, line, column, [...before].length);
    }
}
