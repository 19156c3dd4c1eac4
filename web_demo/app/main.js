/**
 * The page: puts its pieces together and opens the first bundle. Everything heavy happens in the worker, and nothing is
 * loaded before it is needed, so the page is painted before any of it.
 */

import { describe } from "./about.js";
import { BundlePicker } from "./bundles.js";
import { byId, say } from "./dom.js";
import { EngineForm } from "./engine.js";
import { HaltingForm } from "./halting.js";
import { Model } from "./model.js";
import { keepOffline, loadsAgain } from "./offline.js";
import { ProfilePanel } from "./profile.js";
import { Puzzle } from "./puzzle.js";
import { Run } from "./run.js";
import { complaint } from "./words.js";

const model = new Model();
const halting = new HaltingForm();
const engine = new EngineForm();
const puzzle = new Puzzle(() => run.forget());
const run = new Run({ model, puzzle, halting, engine, busy });
const profile = new ProfilePanel({ model, puzzle, halting, engine, busy });
const bundles = new BundlePicker(open);
const bundleError = byId("bundle-error", HTMLElement);

const PAIRS = [
    ["solve", "stop"],
    ["measure", "measure-stop"],
];
let opening = 0; // number of the last bundle that was chosen

/** @param {import("./model.js").Source} source */
async function open(source) {
    const mine = ++opening;
    say(bundleError, null);
    describe(null);
    profile.forget();
    puzzle.close();
    run.forget();
    enable({ solve: false, stop: false });
    say(byId("bundle-facts", HTMLElement), "Reading and checking the bundle …");
    try {
        const opened = await model.open(source);
        if (mine !== opening) return;
        puzzle.open(opened);
        if (puzzle.task) halting.open(opened.manifest, puzzle.task);
        profile.open(opened.manifest.name);
        describe(opened);
        enable({ solve: true, stop: false });
    } catch (error) {
        if (mine !== opening) return; // another one was chosen meanwhile, which ended this one
        puzzle.close();
        describe(null);
        say(bundleError, complaint(error));
    }
}

/** Work begins or ends.  @param {boolean} working */
function busy(working) {
    enable({ solve: !working && puzzle.task !== null, stop: working });
}

/** @param {{ solve: boolean, stop: boolean }} what */
function enable({ solve, stop }) {
    const held = document.activeElement;
    for (const [starting, ending] of PAIRS) {
        const start = byId(starting, HTMLButtonElement);
        const end = byId(ending, HTMLButtonElement);
        start.disabled = !solve;
        end.disabled = !stop;
        // the keyboard stays with the pair: a button that is disabled loses it
        if (held === start && start.disabled) end.focus();
        if (held === end && end.disabled) start.focus();
    }
}

if (!(await loadsAgain())) {
    engine.look();
    try {
        await bundles.look();
    } catch (error) {
        say(byId("bundle-facts", HTMLElement), null);
        say(bundleError, complaint(error));
    }
    keepOffline((line) => say(byId("offline", HTMLElement), line));
}
