/**
 * Solving one puzzle and showing it: starts the model, records every step, moves board and curve along, says what came
 * of it. Knows how the pieces of the page work together; each of them knows only itself.
 */

import { Curve, rows } from "./curve.js";
import { byId, say } from "./dom.js";
import { Playback } from "./playback.js";
import { Recording } from "./recording.js";
import { complaint, counted, milliseconds, percent } from "./words.js";

export class Run {
    /** @type {Recording | null} */
    #recording = null;
    #solving = false;
    #frame = 0; // the next drawing that was asked for
    /** @type {Recording | null} what the table of numbers shows */
    #listed = null;

    /**
     * @param {object} pieces
     * @param {import("./model.js").Model} pieces.model
     * @param {import("./puzzle.js").Puzzle} pieces.puzzle
     * @param {import("./halting.js").HaltingForm} pieces.halting
     * @param {import("./engine.js").EngineForm} pieces.engine
     * @param {(busy: boolean) => void} pieces.busy is told when work begins and ends
     */
    constructor({ model, puzzle, halting, engine, busy }) {
        this.model = model;
        this.puzzle = puzzle;
        this.halting = halting;
        this.engine = engine;
        this.busy = busy;
        this.state = byId("state", HTMLOutputElement);
        this.result = byId("result", HTMLElement);
        this.error = byId("solve-error", HTMLElement);
        this.line = byId("step-line", HTMLElement);
        this.curve = new Curve(byId("curve", HTMLElement));
        this.playback = new Playback((position) => this.#show(position));
        byId("solve", HTMLButtonElement).addEventListener("click", () => this.solve());
        byId("stop", HTMLButtonElement).addEventListener("click", () => model.stop());
    }

    /** The question has become another one: nothing is known of it, and what is still computed is of no use. */
    forget() {
        if (this.#solving) this.model.stop();
        this.#recording = null;
        this.playback.reset();
        this.#say(null);
        say(this.error, null);
    }

    async solve() {
        const { task } = this.puzzle;
        if (!task) return;
        const question = this.puzzle.question;
        this.forget();
        let asked;
        try {
            asked = this.halting.read();
        } catch (error) {
            say(this.error, complaint(error));
            return;
        }
        const recording = new Recording(question, asked.budget, asked.threshold);
        this.#recording = recording;
        this.#solving = true;
        this.busy(true);
        this.playback.follow();
        try {
            this.state.value = "Loading the engine …";
            this.engine.started(await this.model.start(this.engine.read()));
            this.state.value = "Solving …";
            const given = { question: task.format(question), puzzleId: this.puzzle.puzzleId };
            await this.model.solve(given, { ...asked, steps: true }, (event) => this.#take(recording, event));
            if (this.#recording === recording) this.#say(recording);
        } catch (error) {
            if (this.#recording === recording) this.#failed(error);
        } finally {
            this.state.value = "";
            this.#catchUp();
            this.playback.end();
            this.#solving = false;
            this.busy(false);
        }
    }

    /**
     * @param {Recording} recording
     * @param {any} event a step or the solution, see worker.js
     */
    #take(recording, event) {
        if (event.kind === "step") recording.add(event);
        else {
            const { steps, halted, solved, answer, qHalt, milliseconds: spent } = event;
            // a loop graph tells its last step alone
            if (recording.steps.length === 0) recording.add({ step: steps, answer, qHalt, milliseconds: spent });
            recording.outcome = { steps, halted, solved, milliseconds: spent };
        }
        if (this.#recording === recording && this.#frame === 0) {
            this.#frame = requestAnimationFrame(() => this.#catchUp());
        }
    }

    /** Show what has come since the last time: steps may come faster than pictures. */
    #catchUp() {
        cancelAnimationFrame(this.#frame);
        this.#frame = 0;
        if (this.#recording) this.playback.extend(this.#recording.steps.length);
        this.#draw();
    }

    /** @param {unknown} error */
    #failed(error) {
        const stopped = error instanceof Error && error.name === "Stopped";
        if (!stopped) say(this.error, complaint(error));
        else this.#verdict("", `Stopped after ${counted(this.#recording?.steps.length ?? 0, "step")}.`);
    }

    /** @param {Recording | null} recording */
    #say(recording) {
        const { task } = this.puzzle;
        const outcome = recording?.outcome;
        if (!task || !outcome) {
            this.#verdict("", "");
            return;
        }
        const cost = `${counted(outcome.steps, "step")}, ${milliseconds(outcome.milliseconds)}`;
        const end = outcome.halted ? "it halted by the policy" : "the budget was spent";
        if (outcome.solved) this.#verdict("good", `Solved: the answer obeys the rules. ${cost}; ${end}.`);
        else if (outcome.solved === null) {
            this.#verdict("", `Answered. ${cost}; ${end}. No rules tell whether it is right.`);
        } else {
            const reason = task.check(this.puzzle.question, recording.at(recording.steps.length).grid);
            this.#verdict("bad", `Not solved: ${reason}. ${cost}; ${end}.`);
        }
    }

    /**
     * @param {string} kind `good`, `bad` or nothing
     * @param {string} text
     */
    #verdict(kind, text) {
        this.result.className = `result ${kind}`;
        this.result.textContent = text;
    }

    /** @param {number} position 0: the question */
    #show(position) {
        const recording = this.#recording;
        const { grid, changed } = recording?.at(position) ?? { grid: this.puzzle.question, changed: null };
        this.puzzle.show(grid, changed);
        const step = recording?.steps[position - 1];
        this.line.textContent = step
            ? `Step ${step.step}: ${counted(step.cells, "cell")} changed, halting probability ${percent(step.qHalt)}`
            : recording
              ? "The puzzle, before the first step"
              : "";
        this.#draw();
    }

    #draw() {
        this.curve.draw(this.#recording, this.playback.position);
        const numbers = byId("numbers", HTMLElement);
        if (this.#listed !== this.#recording) numbers.replaceChildren();
        this.#listed = this.#recording;
        numbers.append(...rows(this.#recording, numbers.childElementCount));
        byId("numbers-panel", HTMLElement).hidden = numbers.childElementCount === 0;
    }
}
