/**
 * Moving through recorded steps: a slider, back, on, play. While a run goes on it follows, slowly enough for the eye.
 * Knows how many positions there are, and not what is shown at them.
 */

import { byId, drawing } from "./dom.js";

const LIVE = 160; // milliseconds that a step stays at least while the run goes on
const PLAY = 600;
const AHEAD = 16; // recorded steps that wait to be shown, one by one; of more some are passed over

const SHAPES = {
    play: "M5 3v14l12-7z",
    pause: "M5 3h4v14H5zM11 3h4v14h-4z",
    previous: "M13 3v14L4 10z",
    next: "M7 3v14l9-7z",
};

export class Playback {
    #last = 0;
    #position = 0;
    /** @type {ReturnType<typeof setTimeout> | null} the timer, while it moves by itself */
    #timer = null;
    #pace = PLAY;
    #open = false;

    /** @param {(position: number) => void} shown is told every new position */
    constructor(shown) {
        this.shown = shown;
        this.slider = byId("position", HTMLInputElement);
        this.buttons = {
            play: byId("play", HTMLButtonElement),
            previous: byId("previous", HTMLButtonElement),
            next: byId("next", HTMLButtonElement),
        };
        this.calm = matchMedia("(prefers-reduced-motion: reduce)");
        this.slider.addEventListener("input", () => this.#byHand(Number(this.slider.value)));
        this.buttons.previous.addEventListener("click", () => this.#byHand(this.#position - 1));
        this.buttons.next.addEventListener("click", () => this.#byHand(this.#position + 1));
        this.buttons.play.addEventListener("click", () => (this.#timer === null ? this.play() : this.pause()));
        this.#draw();
    }

    get position() {
        return this.#position;
    }

    /** Nothing is recorded. */
    reset() {
        this.pause();
        this.#open = false;
        this.#last = 0;
        this.#go(0);
    }

    /** A run begins: show its steps as they come. */
    follow() {
        this.reset();
        this.#open = true;
        this.#pace = LIVE;
    }

    /** One more step is there.  @param {number} last positions, without the question */
    extend(last) {
        this.#last = last;
        if (this.#open && this.calm.matches) this.#go(last);
        else if (this.#open && this.#timer === null) this.#tick();
        else this.#draw();
    }

    /** The run is over: no more steps come. */
    end() {
        this.#open = false;
        this.#draw();
    }

    play() {
        if (this.#position >= this.#last) this.#go(0);
        this.#pace = PLAY;
        this.#timer = setTimeout(() => this.#tick(), PLAY);
        this.#draw();
    }

    pause() {
        if (this.#timer !== null) clearTimeout(this.#timer);
        this.#timer = null;
        this.#draw();
    }

    /** @param {number} position */
    #byHand(position) {
        this.#open = false;
        this.pause();
        this.#go(Math.min(this.#last, Math.max(0, position)));
    }

    #tick() {
        this.#timer = null;
        if (this.#position >= this.#last) {
            this.#draw();
            return;
        }
        this.#timer = setTimeout(() => this.#tick(), this.#pace);
        this.#go(this.#position + (this.#pace === LIVE ? Math.ceil((this.#last - this.#position) / AHEAD) : 1));
    }

    /** @param {number} position */
    #go(position) {
        this.#position = position;
        this.#draw();
        this.shown(position);
    }

    #draw() {
        const { play, previous, next } = this.buttons;
        const moving = this.#timer !== null && this.#position < this.#last;
        this.slider.max = String(this.#last);
        this.slider.value = String(this.#position);
        this.slider.setAttribute(
            "aria-valuetext",
            this.#position === 0 ? "the puzzle" : `step ${this.#position} of ${this.#last}`,
        );
        const none = this.#last === 0;
        this.slider.disabled = none;
        play.disabled = none;
        previous.disabled = none || this.#position === 0;
        next.disabled = none || this.#position === this.#last;
        play.ariaLabel = moving ? "Pause" : "Play the steps";
        icon(play, moving ? SHAPES.pause : SHAPES.play);
        icon(previous, SHAPES.previous);
        icon(next, SHAPES.next);
    }
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} shape
 */
function icon(button, shape) {
    if (button.dataset.shape === shape) return;
    button.dataset.shape = shape;
    button.replaceChildren(
        drawing(
            "svg",
            { viewBox: "0 0 20 20", width: 16, height: 16, "aria-hidden": "true" },
            drawing("path", { d: shape }),
        ),
    );
}
