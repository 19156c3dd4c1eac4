/**
 * Values as Python writes them. Messages and policy texts are Python's; this is what it takes to say the same.
 * Knows nothing of bundles or puzzles.
 */

const PRINTABLE = /^[^\p{C}\p{Z}]$|^ $/u;
const SHORT = new Map([
    ["\\", "\\\\"],
    ["\n", "\\n"],
    ["\r", "\\r"],
    ["\t", "\\t"],
]);

/**
 * `str.isprintable()`.
 *
 * @param {string} text
 */
export function isPrintable(text) {
    return /^(?:[^\p{C}\p{Z}]| )*$/u.test(text);
}

/**
 * `len()`: characters, not UTF-16 units.
 *
 * @param {string} text
 */
export function length(text) {
    let count = 0;
    for (const _ of text) count++;
    return count;
}

/**
 * `repr()` of a text.
 *
 * @param {string} text
 */
export function repr(text) {
    const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
    let shown = quote;
    for (const character of text) {
        if (character === quote) shown += "\\" + character;
        else if (SHORT.has(character)) shown += SHORT.get(character);
        else if (PRINTABLE.test(character)) shown += character;
        else shown += escaped(/** @type {number} */ (character.codePointAt(0)));
    }
    return shown + quote;
}

/** @param {number} code */
function escaped(code) {
    if (code < 0x100) return "\\x" + code.toString(16).padStart(2, "0");
    if (code < 0x10000) return "\\u" + code.toString(16).padStart(4, "0");
    return "\\U" + code.toString(16).padStart(8, "0");
}

/**
 * `repr()` of a float: the shortest digits that read back as the same number, always with a point or an exponent.
 *
 * @param {number} value
 */
export function reprFloat(value) {
    if (Number.isNaN(value)) return "nan";
    if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
    const sign = value < 0 || Object.is(value, -0) ? "-" : "";
    const [mantissa, power] = Math.abs(value).toExponential().split("e");
    const digits = mantissa.replace(".", "");
    const exponent = Number(power);
    if (exponent < -4 || exponent >= 16) {
        const tail = digits.length > 1 ? `.${digits.slice(1)}` : "";
        return `${sign}${digits[0]}${tail}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
    }
    if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
    const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
    return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/** White space as Python knows it (`str.isspace`, `\s` of `re`), for a class; JavaScript's `\s` is another set. */
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

/**
 * `str.splitlines()`.
 *
 * @param {string} text
 */
export function splitLines(text) {
    const lines = text.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/);
    if (lines.at(-1) === "") lines.pop();
    return lines;
}

const ENDS = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g");
const FLOAT = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i;

/**
 * `float(text)`, without the underscores that Python alone would read.
 *
 * @param {string} text
 * @returns {number | null} null: not a number
 */
export function parseFloatText(text) {
    const trimmed = text.replace(ENDS, "");
    if (!FLOAT.test(trimmed)) return null;
    const low = trimmed.toLowerCase();
    if (low.includes("nan")) return NaN;
    if (low.includes("inf")) return low.startsWith("-") ? -Infinity : Infinity;
    return Number(trimmed);
}

/**
 * `list.__repr__` of whole numbers and texts, as shapes are shown.
 *
 * @param {readonly (number | string)[]} items
 */
export function reprList(items) {
    return `[${items.map((item) => (typeof item === "string" ? repr(item) : String(item))).join(", ")}]`;
}
