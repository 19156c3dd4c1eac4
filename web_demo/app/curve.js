/**
 * The halting curve: probability that the model gives its answer after every step, the threshold, and where it halted.
 * Draws a recording; knows no model and no board.
 */

import { drawing, element } from "./dom.js";
import { percent, probability } from "./words.js";

/** @typedef {import("./recording.js").Recording} Recording */

const NARROW = 280; // pixels, the least and the most that the drawing is wide
const WIDE = 640;
const HEIGHT = 210;
const LEFT = 46;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 34;
const MOST_POINTS = 100; // of more steps there is a line alone

export class Curve {
    #width = 400;
    /** @type {{ recording: Recording | null, position: number }} */
    #shown = { recording: null, position: 0 };

    /** @param {HTMLElement} figure */
    constructor(figure) {
        this.picture = drawing("svg", { role: "img" });
        figure.append(this.picture);
        this.draw(null, 0);
        new ResizeObserver(() => this.#fit(figure.clientWidth)).observe(figure);
    }

    /**
     * @param {Recording | null} recording null: the empty chart
     * @param {number} position step that the board shows, 0: none
     */
    draw(recording, position) {
        this.#shown = { recording, position };
        const right = this.#width - RIGHT;
        const steps = recording?.steps ?? [];
        const most = axis(recording, steps.at(-1)?.step ?? 0);
        /** @param {number} step */
        const x = (step) => LEFT + ((step - 0.5) / most) * (right - LEFT);
        /** @param {number} chance */
        const y = (chance) => TOP + (1 - chance) * (HEIGHT - TOP - BOTTOM);
        const parts = [...grid(y, right), ...numbers(most, x, right)];
        const points = steps.map((step) => ({ step, x: x(step.step), y: y(probability(step.qHalt)) }));
        const shown = points[position - 1];
        const bar = { class: "now", x1: shown?.x, x2: shown?.x, y1: TOP, y2: HEIGHT - BOTTOM };
        if (shown) parts.push(drawing("line", bar));
        if (recording && recording.threshold !== null) {
            const level = y(probability(recording.threshold));
            parts.push(drawing("line", { class: "threshold", x1: LEFT, x2: right, y1: level, y2: level }));
            const above = level > TOP + 24;
            const place = { class: "threshold-text", x: right, y: above ? level - 6 : level + 16 };
            parts.push(drawing("text", { ...place, "text-anchor": "end" }, "halts above this line"));
        }
        const line = points.map((point) => `${point.x},${point.y}`).join(" ");
        if (line) parts.push(drawing("polyline", { class: "line-of-steps", points: line }));
        const few = points.length <= MOST_POINTS;
        for (const point of points) {
            const last = point === points.at(-1);
            if (!few && point !== shown && !last) continue;
            const halted = last && recording?.outcome?.halted === true;
            const classes = halted ? "point halted" : "point";
            const radius = point === shown ? 6 : halted ? 5 : 3.5;
            const title = drawing("title", {}, `Step ${point.step.step}: ${percent(point.step.qHalt)}`);
            parts.push(drawing("circle", { class: classes, cx: point.x, cy: point.y, r: radius }, title));
        }
        this.picture.replaceChildren(...parts);
        this.picture.setAttribute("viewBox", `0 0 ${this.#width} ${HEIGHT}`);
        this.picture.setAttribute("aria-label", summary(recording));
    }

    /** One unit of the drawing is a pixel, so that its text is as large as the page's.  @param {number} pixels */
    #fit(pixels) {
        const width = Math.round(Math.min(WIDE, Math.max(NARROW, pixels)));
        if (width === this.#width) return;
        this.#width = width;
        this.draw(this.#shown.recording, this.#shown.position);
    }
}

/**
 * Rows of the table that says the same.
 *
 * @param {Recording | null} recording
 * @param {number} from of so many steps there are rows already
 */
export function rows(recording, from) {
    return (recording?.steps.slice(from) ?? []).map((step) =>
        element(
            "tr",
            {},
            element("th", { scope: "row" }, String(step.step)),
            element("td", {}, String(step.cells)),
            element("td", {}, percent(step.qHalt)),
            element("td", {}, step.qHalt.toFixed(2)),
            element("td", {}, step.milliseconds.toFixed(1)),
        ),
    );
}

/**
 * Steps on the axis: the budget where it is not much more than what happened.
 *
 * @param {Recording | null} recording
 * @param {number} last
 */
function axis(recording, last) {
    const budget = recording?.budget ?? 16;
    return Math.max(last, Math.min(budget, Math.max(16, 2 * last)), 2);
}

/**
 * @param {(chance: number) => number} y
 * @param {number} right
 */
function grid(y, right) {
    return [0, 0.5, 1].flatMap((chance) => [
        drawing("line", { class: "rule", x1: LEFT, x2: right, y1: y(chance), y2: y(chance) }),
        drawing("text", { x: LEFT - 8, y: y(chance) + 4, "text-anchor": "end" }, `${100 * chance} %`),
    ]);
}

/**
 * @param {number} most
 * @param {(step: number) => number} x
 * @param {number} right
 */
function numbers(most, x, right) {
    const room = (right - LEFT) / 22; // numbers side by side
    const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((gap) => most / gap <= room) ?? 1000;
    const steps = Array.from({ length: most }, (_, index) => index + 1).filter(
        (step) => step === 1 || step % every === 0,
    );
    return [
        ...steps.map((step) =>
            drawing("text", { x: x(step), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, String(step)),
        ),
        drawing("text", { x: right, y: HEIGHT - 3, "text-anchor": "end" }, "step"),
    ];
}

/** @param {Recording | null} recording */
function summary(recording) {
    const last = recording?.steps.at(-1);
    if (!recording || !last) return "Chart of the halting probability; nothing is solved yet";
    const limit = recording.threshold === null ? "" : `, the threshold is ${percent(recording.threshold)}`;
    return `Chart of the halting probability: ${percent(last.qHalt)} after step ${last.step}${limit}`;
}
