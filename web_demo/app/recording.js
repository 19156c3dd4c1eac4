/**
 * One run of the model on one puzzle: what it answered after every step. Plain data, and what follows from it; knows no
 * element of the page.
 */

import { changes } from "./looks.js";

/** @typedef {import("../core/types.js").Grid} Grid */

/**
 * @typedef {object} Step
 * @property {number} step from 1
 * @property {Grid} answer
 * @property {boolean[][]} changed cells that differ from the step before, at step 1 from the question
 * @property {number} cells how many of them
 * @property {number} qHalt halting logit
 * @property {number} milliseconds that the step took
 */

/**
 * @typedef {object} Outcome
 * @property {number} steps
 * @property {boolean} halted
 * @property {boolean | null} solved
 * @property {number} milliseconds
 */

export class Recording {
    /** @type {Step[]} */
    steps = [];
    /** @type {Outcome | null} how it ended; null: it has not, or was stopped */
    outcome = null;

    /**
     * @param {Grid} question
     * @param {number} budget most steps
     * @param {number | null} threshold halting logit of the policy, null if it does not look at it
     */
    constructor(question, budget, threshold) {
        this.question = question;
        this.budget = budget;
        this.threshold = threshold;
    }

    /**
     * @param {{ step: number, answer: Grid, qHalt: number, milliseconds: number }} event
     */
    add({ step, answer, qHalt, milliseconds }) {
        const before = this.steps.at(-1)?.answer ?? this.question;
        const changed = changes(answer, before);
        const cells = changed.flat().filter(Boolean).length;
        this.steps.push({ step, answer, changed, cells, qHalt, milliseconds });
    }

    /**
     * What the board shows at a position: 0 is the question, n the n-th recorded step.
     *
     * @param {number} position
     * @returns {{ grid: Grid, changed: boolean[][] | null }}
     */
    at(position) {
        const step = this.steps[position - 1];
        return step ? { grid: step.answer, changed: step.changed } : { grid: this.question, changed: null };
    }
}
