/** What is said of a bundle: its evidence in one line, its facts, its model card. Knows the manifest and no engine. */

import { fromMarkdown } from "./card.js";
import { byId, element, say } from "./dom.js";
import { counted, size } from "./words.js";

/** @typedef {import("./model.js").Opened} Opened */

/** @type {Record<string, string>} what docs/targets.md means by these words */
const EVIDENCE = {
    hardware: "run on such a processor",
    simulator: "run on a simulator of it",
    compiled: "compiled for it, not run",
    declared: "neither compiled nor run for it",
};

/** @param {Opened | null} opened null: nothing is open */
export function describe(opened) {
    const facts = byId("facts-list", HTMLElement);
    const panel = byId("card-panel", HTMLElement);
    const card = byId("model-card", HTMLElement);
    facts.replaceChildren();
    card.replaceChildren();
    panel.hidden = true;
    byId("about-card", HTMLElement).hidden = opened === null;
    say(byId("bundle-facts", HTMLElement), null);
    if (!opened) return;
    const { manifest, bytes } = opened;
    const made = `made for ${manifest.target}, evidence: ${manifest.evidence}`;
    say(byId("bundle-facts", HTMLElement), `${manifest.name}: ${made} (${EVIDENCE[manifest.evidence]}).`);
    for (const [name, text] of factsOf(opened, bytes)) {
        facts.append(element("div", {}, element("dt", {}, name), element("dd", {}, text)));
    }
    if (opened.card !== null) {
        card.replaceChildren(...fromMarkdown(opened.card));
        panel.hidden = false;
    }
}

/**
 * @param {Opened} opened
 * @param {number} bytes
 * @returns {[string, string][]}
 */
function factsOf({ manifest }, bytes) {
    const { halting, model, parity } = manifest;
    return [
        ["Task", `${manifest.task}: ${counted(manifest.seqLen, "token")} of ${counted(manifest.vocabSize, "value")}`],
        ["Graph", `${manifest.format}, ${manifest.graph}, ${manifest.precision}`],
        ["Size", size(bytes)],
        [
            "Model",
            `${model.hidden_size} wide, ${counted(model.L_layers, "layer")}, ${counted(model.L_cycles, "cycle")} of L`,
        ],
        [
            "Halting",
            `${halting.policy}, logit above ${halting.threshold}, at most ${counted(halting.maxSteps, "step")}`,
        ],
        ["Made", `${manifest.created} with trm-edge ${manifest.tools["trm-edge"] ?? "of an unknown version"}`],
        [
            "Parity",
            parity ? "checked against the float model, figures in the manifest" : "not checked by trm-edge verify yet",
        ],
        ["Checked here", "every file's size and SHA-256"],
    ];
}
