/**
 * The form that says when solving ends: a halting policy and a budget, with the bundle's own as they are at first. Knows
 * the fields of the page; the policies themselves are core/policies.js.
 */

import { byId, say } from "./dom.js";
import { percent } from "./words.js";

/** @typedef {import("../core/manifest.js").Manifest} Manifest */
/** @typedef {import("../core/types.js").Task} Task */

const MOST = 1000;

export class HaltingForm {
    constructor() {
        this.policy = byId("policy", HTMLSelectElement);
        this.budget = byId("budget", HTMLInputElement);
        this.threshold = byId("threshold", HTMLInputElement);
        this.minSteps = byId("min-steps", HTMLInputElement);
        this.own = byId("own-policy", HTMLInputElement);
        this.policy.addEventListener("change", () => this.#draw());
        this.threshold.addEventListener("input", () => this.#draw());
        this.#draw();
    }

    /**
     * Show what a bundle asks for.
     *
     * @param {Manifest} manifest
     * @param {Task} task
     */
    open({ halting, graph, steps }, task) {
        const { policy, threshold, minSteps, maxSteps } = halting;
        const fixed = /^fixed(?::(\d+))?$/.exec(policy);
        const verified = /** @type {HTMLOptionElement} */ (this.policy.querySelector("option[value=verified]"));
        verified.disabled = !task.hasRules || graph === "loop";
        this.policy.value = fixed ? "fixed" : policy === "act" || policy === "verified" ? policy : "own";
        this.own.value = policy;
        this.threshold.value = String(policy === "act" ? threshold : 0);
        this.minSteps.value = String(policy === "act" ? minSteps : 1);
        this.minSteps.disabled = graph === "loop";
        this.budget.value = String(Math.min(fixed?.[1] ? Number(fixed[1]) : MOST, maxSteps));
        this.budget.max = String(graph === "unrolled" ? steps : MOST);
        this.#draw();
    }

    /**
     * What was asked for.
     *
     * @returns {{ policy: string, budget: number, threshold: number | null }} `threshold`: the logit of `act`
     * @throws {Error} a field that holds no such number, in one line
     */
    read() {
        const budget = whole(this.budget, "Steps at most");
        switch (this.policy.value) {
            case "act": {
                const threshold = number(this.threshold, "Halts above the logit");
                const first = this.minSteps.disabled ? 1 : whole(this.minSteps, "Not before step");
                const given = [
                    ...(threshold ? [`threshold=${threshold}`] : []),
                    ...(first > 1 ? [`min=${first}`] : []),
                ];
                return { policy: given.length ? `act:${given.join(",")}` : "act", budget, threshold };
            }
            case "own":
                return { policy: this.own.value, budget, threshold: thresholdIn(this.own.value) };
            default:
                return { policy: this.policy.value, budget, threshold: null };
        }
    }

    #draw() {
        byId("act-line", HTMLElement).hidden = this.policy.value !== "act";
        byId("own-line", HTMLElement).hidden = this.policy.value !== "own";
        const label = byId("budget-field", HTMLElement).querySelector("span");
        if (label) label.textContent = this.policy.value === "fixed" ? "Steps" : "Steps at most";
        const logit = Number(this.threshold.value);
        say(byId("chance", HTMLElement), Number.isFinite(logit) ? `a chance of ${percent(logit)} to be right` : null);
    }
}

/**
 * The logit of the first `act` in a policy, for the picture.
 *
 * @param {string} policy
 */
function thresholdIn(policy) {
    const act = /\bact\b(?::[^)]*?threshold=([-+.\deE]+))?/.exec(policy.replace(/\s/g, ""));
    const logit = act ? Number(act[1] ?? 0) : NaN;
    return Number.isFinite(logit) ? logit : null;
}

/**
 * @param {HTMLInputElement} input
 * @param {string} name
 */
function whole(input, name) {
    const value = input.value.trim() === "" ? NaN : Number(input.value);
    const most = Number(input.max || MOST);
    if (!Number.isInteger(value) || value < 1 || value > most) {
        throw new Error(`${name}: ${input.value || "nothing"} given; a whole number from 1 to ${most} is needed`);
    }
    return value;
}

/**
 * @param {HTMLInputElement} input
 * @param {string} name
 */
function number(input, name) {
    const value = input.value.trim() === "" ? NaN : Number(input.value);
    if (!Number.isFinite(value)) throw new Error(`${name}: a number is needed, 0 for a chance of one in two`);
    return value;
}
