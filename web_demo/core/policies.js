/**
 * Halting policies: when a puzzle stops stepping. A policy is frozen data with one method; its text form is what the
 * command line, the manifest and every language speak (docs/halting.md). The step budget is the solver's.
 *
 *     policy  = "fixed" [":" steps] | "act" [":" args] | "stable:" k | "verified"
 *             | "any(" policy {"," policy} ")" | "all(" policy {"," policy} ")"
 *     args    = ("threshold=" number | "min=" step) {"," the other one}
 */

import { FLOAT32_MAX } from "./contract.js";
import { InvalidInput, unknown } from "./errors.js";
import { SPACE, parseFloatText, reprFloat } from "./python.js";

/**
 * What is known of a row after a supervision step.
 *
 * @typedef {object} StepState
 * @property {number} step supervision steps done, the first is 1
 * @property {number} unchanged for how many steps in a row the answer has equalled the one before
 * @property {number} qHalt halting logit, a float32 number
 * @property {() => boolean} solved whether the answer obeys the rules of the task; false for a task without rules
 */

/** @typedef {Fixed | Act | Stable | Verified | AnyOf | AllOf} Policy `String(policy)` is its text form */

const NAMES = ["fixed", "act", "stable", "verified", "any", "all"];
const MAX_DEPTH = 8;
const EXAMPLES = " Examples: act, act:threshold=0.5,min=2, fixed:8, stable:3, verified, any(act,stable:3)";

/** Halt after `steps` steps; null: never, the solver's budget ends it. */
export class Fixed {
    /** @param {number | null} [steps] */
    constructor(steps = null) {
        if (steps !== null) atLeastOne("fixed", steps);
        this.steps = steps;
    }

    /** @param {StepState} state */
    halted(state) {
        return state.step >= (this.steps ?? Infinity);
    }

    toString() {
        return this.steps === null ? "fixed" : `fixed:${this.steps}`;
    }
}

/** Halt when the halting logit is greater than `threshold` (compared in float32), from `minSteps` on. */
export class Act {
    /** @param {number} [threshold]  @param {number} [minSteps] */
    constructor(threshold = 0, minSteps = 1) {
        atLeastOne("act:min", minSteps);
        if (!(Math.abs(threshold) <= FLOAT32_MAX)) {
            throw new InvalidInput(`act:threshold must be a finite number, not ${reprFloat(threshold)}`);
        }
        this.threshold = threshold;
        this.minSteps = minSteps;
    }

    /** @param {StepState} state */
    halted(state) {
        return state.qHalt > Math.fround(this.threshold) && state.step >= this.minSteps;
    }

    toString() {
        const given = this.threshold === 0 ? [] : [`threshold=${reprFloat(this.threshold)}`];
        if (this.minSteps !== 1) given.push(`min=${this.minSteps}`);
        return given.length ? `act:${given.join(",")}` : "act";
    }
}

/** Halt when the answer has equalled the one before for `k` steps in a row (step `k + 1` at the earliest). */
export class Stable {
    /** @param {number} k */
    constructor(k) {
        atLeastOne("stable", k);
        this.k = k;
    }

    /** @param {StepState} state */
    halted(state) {
        return state.unchanged >= this.k;
    }

    toString() {
        return `stable:${this.k}`;
    }
}

/** Halt when the answer obeys the rules of the task. */
export class Verified {
    /** @param {StepState} state */
    halted(state) {
        return state.solved();
    }

    toString() {
        return "verified";
    }
}

/** Halt when one of the policies does. */
export class AnyOf {
    /** @param {Policy[]} policies */
    constructor(policies) {
        this.policies = policies;
    }

    /** @param {StepState} state @returns {boolean} */
    halted(state) {
        return this.policies.some((policy) => policy.halted(state));
    }

    /** @returns {string} */
    toString() {
        return `any(${this.policies.join(",")})`;
    }
}

/** Halt when all of the policies do, at the same step. */
export class AllOf {
    /** @param {Policy[]} policies */
    constructor(policies) {
        this.policies = policies;
    }

    /** @param {StepState} state @returns {boolean} */
    halted(state) {
        return this.policies.every((policy) => policy.halted(state));
    }

    /** @returns {string} */
    toString() {
        return `all(${this.policies.join(",")})`;
    }
}

/**
 * Read a policy; `String(parsePolicy(text))` reads as the same one. Spaces do not count.
 *
 * @param {string} text
 * @returns {Policy}
 * @throws {InvalidInput} unknown name, wrong argument, unbalanced parentheses; says what was expected
 */
export function parsePolicy(text) {
    return parse(text.replace(new RegExp(`[${SPACE}]+`, "g"), ""), 0);
}

/**
 * The halting policy a bundle asks for; threshold and first step apply to `act`.
 *
 * @param {import("./manifest.js").Manifest} manifest
 */
export function defaultPolicy(manifest) {
    const policy = parsePolicy(manifest.halting.policy);
    return String(policy) === "act" ? new Act(manifest.halting.threshold, manifest.halting.minSteps) : policy;
}

/** @param {string} text @param {number} depth @returns {Policy} */
function parse(text, depth) {
    if (text.startsWith("any(") || text.startsWith("all(")) {
        if (depth === MAX_DEPTH) throw refusal(text, `nested more than ${MAX_DEPTH} deep`);
        if (!text.endsWith(")")) throw refusal(text, "it must end with ')'");
        const policies = split(text.slice(4, -1)).map((part) => parse(part, depth + 1));
        return text.startsWith("any") ? new AnyOf(policies) : new AllOf(policies);
    }
    const colon = text.indexOf(":");
    const name = colon < 0 ? text : text.slice(0, colon);
    const rest = colon < 0 ? null : text.slice(colon + 1);
    if (name === "verified" && rest === null) return new Verified();
    if (name === "fixed") return new Fixed(rest === null ? null : whole(text, rest));
    if (name === "stable" && rest !== null) return new Stable(whole(text, rest));
    if (name === "act") return rest === null ? new Act() : act(text, rest);
    if (NAMES.includes(name)) throw refusal(text, "arguments are missing or not allowed here");
    throw new InvalidInput(unknown("halting policy", start(name, 40), NAMES) + EXAMPLES);
}

/** @param {string} text @param {string} given */
function act(text, given) {
    /** @type {Map<string, string>} */
    const values = new Map();
    for (const argument of given.split(",")) {
        const [key, ...value] = argument.split("=");
        if (!["threshold", "min"].includes(key) || values.has(key)) {
            throw refusal(text, `'${argument}' is not one threshold= or one min=`);
        }
        values.set(key, value.join("="));
    }
    return new Act(number(text, values.get("threshold") ?? "0"), whole(text, values.get("min") ?? "1"));
}

/** Split at the commas outside parentheses, but not before `key=`: that is the next argument of `act`.
 * @param {string} text */
function split(text) {
    const parts = [""];
    let depth = 0;
    for (const character of text) {
        depth += character === "(" ? 1 : character === ")" ? -1 : 0;
        if (depth < 0) break;
        if (character === "," && depth === 0) parts.push("");
        else parts[parts.length - 1] += character;
    }
    if (depth !== 0) throw refusal(text, "its parentheses do not match");
    /** @type {string[]} */
    const policies = [];
    for (const part of parts) {
        if (policies.length && ["threshold", "min"].includes(part.split("=")[0])) {
            policies[policies.length - 1] += `,${part}`;
        } else {
            policies.push(part);
        }
    }
    return policies;
}

/** @param {string} text @param {string} value */
function whole(text, value) {
    if (!/^[0-9]{1,9}$/.test(value)) throw refusal(text, `'${value}' is not a whole number`);
    return Number(value);
}

/** @param {string} text @param {string} value */
function number(text, value) {
    return parseFloatText(value) ?? fail(refusal(text, `'${value}' is not a number`));
}

/** @param {Error} error @returns {never} */
function fail(error) {
    throw error;
}

/** @param {string} text @param {string} reason */
function refusal(text, reason) {
    return new InvalidInput(`Halting policy '${start(text, 60)}': ${reason}.${EXAMPLES}`);
}

/** The first characters.  @param {string} text @param {number} count */
function start(text, count) {
    return [...text].slice(0, count).join("");
}

/** @param {string} name @param {number} value */
function atLeastOne(name, value) {
    if (value < 1) throw new InvalidInput(`${name} must be at least 1, not ${value}`);
}
