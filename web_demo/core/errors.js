/**
 * Every error the core raises on purpose. Messages say what was given, what is allowed and how to mend it, in one line;
 * they are Python's words, which `tests/vectors/` hold both to.
 */

import { closest } from "./nearest.js";

/** Base of all deliberate errors. */
export class TrmEdgeError extends Error {
    /** @override */
    name = "TrmEdgeError";
}

/** What the user typed, or a file said, is not acceptable. */
export class InvalidInput extends TrmEdgeError {
    /** @override */
    name = "InvalidInput";
}

/** A puzzle that cannot be parsed or contradicts itself. */
export class InvalidPuzzle extends InvalidInput {
    /** @override */
    name = "InvalidPuzzle";
}

/** A bundle that is damaged, tampered with, unsafe or of a newer version. */
export class InvalidBundle extends InvalidInput {
    /** @override */
    name = "InvalidBundle";
}

/** A combination that cannot work; the message gives the reason and the nearest that does. */
export class Refused extends InvalidInput {
    /** @override */
    name = "Refused";
}

/** The caller asked to stop. */
export class Stopped extends TrmEdgeError {
    /** @override */
    name = "Stopped";

    constructor() {
        super("Stopped");
    }
}

/**
 * One line for an unknown name: what was given, what is allowed, and the nearest guess.
 *
 * @param {string} what kind of name
 * @param {string} given
 * @param {readonly string[]} allowed
 */
export function unknown(what, given, allowed) {
    const near = closest(given, allowed);
    const hint = near === null ? "" : ` Did you mean '${near}'?`;
    return `Unknown ${what} '${given}'. Allowed: ${allowed.join(", ")}.${hint}`;
}

/**
 * What another library's exception says, for the line that a user reads.
 *
 * @param {unknown} error
 */
export function oneLine(error) {
    const text = error instanceof Error ? error.message : String(error);
    return text.split(/\s+/).filter(Boolean).join(" ").slice(0, 300);
}
