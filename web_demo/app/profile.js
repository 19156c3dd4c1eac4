/**
 * The profile panel: times the examples on this device, shows what came out, and hands it over as the file that
 * `trm-edge profile --import` reads. Measures nothing itself: core/profile.js does, in the worker.
 */

import { byId, element, say } from "./dom.js";
import { complaint, counted, milliseconds } from "./words.js";

const MOST_PUZZLES = 20;

export class ProfilePanel {
    /** @type {{ name: string, text: string } | null} */
    #file = null;
    #count = 0; // of measurements, to know whether one is still wanted

    /**
     * @param {object} pieces
     * @param {import("./model.js").Model} pieces.model
     * @param {import("./puzzle.js").Puzzle} pieces.puzzle
     * @param {import("./halting.js").HaltingForm} pieces.halting
     * @param {import("./engine.js").EngineForm} pieces.engine
     * @param {(busy: boolean) => void} pieces.busy
     */
    constructor({ model, puzzle, halting, engine, busy }) {
        this.model = model;
        this.puzzle = puzzle;
        this.halting = halting;
        this.engine = engine;
        this.busy = busy;
        this.rounds = byId("rounds", HTMLInputElement);
        this.progress = byId("profile-progress", HTMLProgressElement);
        this.table = byId("profile-table", HTMLElement);
        this.line = byId("profile-line", HTMLElement);
        this.error = byId("profile-error", HTMLElement);
        this.download = byId("download", HTMLButtonElement);
        byId("measure", HTMLButtonElement).addEventListener("click", () => this.measure());
        byId("measure-stop", HTMLButtonElement).addEventListener("click", () => model.stop());
        this.download.addEventListener("click", () => this.#save());
    }

    /** Another bundle is open: what was measured belongs to the one before. */
    forget() {
        this.#count++;
        this.#file = null;
        this.download.disabled = true;
        this.table.hidden = true;
        this.table.replaceChildren();
        say(this.line, null);
        say(this.error, null);
    }

    /** @param {string} name of the bundle */
    open(name) {
        this.name = name;
        this.forget();
    }

    async measure() {
        this.forget();
        const mine = this.#count;
        const puzzles = this.puzzle.exampleTexts().slice(0, MOST_PUZZLES);
        const rounds = Number(this.rounds.value);
        const name = this.name ?? "bundle";
        this.busy(true);
        try {
            if (!puzzles.length) throw new Error("The bundle has no examples (golden.json) to time");
            if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
                throw new Error(
                    `Rounds: ${this.rounds.value || "nothing"} given; a whole number from 1 to 100 is needed`,
                );
            }
            const { policy, budget } = this.halting.read();
            say(this.line, "Loading the engine …");
            this.engine.started(await this.model.start(this.engine.read()));
            say(this.line, `Measuring ${counted(puzzles.length, "puzzle")}, ${counted(rounds, "round")} …`);
            this.progress.hidden = false;
            const data = `${counted(puzzles.length, "golden puzzle")} of the bundle`;
            const request = { puzzles, rounds, budget, policy, name, data };
            const { results, summary } = await this.model.profile(request, ({ done, total }) => {
                this.progress.value = total ? done / total : 0;
            });
            this.#file = { name: `${name}.profile.json`, text: JSON.stringify(results, null, 1) };
            this.download.disabled = false;
            this.#show(summary);
            say(this.line, `Measured ${data}, ${counted(rounds, "round")}.`);
        } catch (error) {
            if (mine !== this.#count) return; // another bundle was opened, which ended this
            const stopped = error instanceof Error && error.name === "Stopped";
            say(this.line, stopped ? "Stopped." : null);
            if (!stopped) say(this.error, complaint(error));
        } finally {
            this.progress.hidden = true;
            this.busy(false);
        }
    }

    /** @param {any} summary see core/profile.js */
    #show(summary) {
        const columns = ["p50", "p90", "min"];
        const head = ["", "half below", "nine of ten below", "least"].map((text) =>
            element("th", { scope: "col" }, text),
        );
        const body = [
            ["one step", summary.step],
            ["one puzzle", summary.puzzle],
        ]
            .filter(([, times]) => times)
            .map(([name, times]) => {
                const cells = columns.map((column) => element("td", {}, milliseconds(1000 * times[column])));
                return element("tr", {}, element("th", { scope: "row" }, name), ...cells);
            });
        const table = element(
            "table",
            {},
            element("thead", {}, element("tr", {}, ...head)),
            element("tbody", {}, ...body),
        );
        this.table.replaceChildren(table);
        this.table.hidden = false;
    }

    #save() {
        if (!this.#file) return;
        const url = URL.createObjectURL(new Blob([this.#file.text], { type: "application/json" }));
        element("a", { href: url, download: this.#file.name }).click();
        setTimeout(() => URL.revokeObjectURL(url), 10_000);
    }
}
