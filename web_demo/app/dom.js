/**
 * Elements by few words. Attributes only: no HTML from text, no styles inside elements, so that the page's security
 * policy holds. Knows nothing of puzzles.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * A new HTML element. `true` sets an empty attribute; `false`, null and undefined leave it out.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    setAttributes(made, attributes);
    made.append(...children);
    return made;
}

/**
 * A new SVG element.
 *
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElement}
 */
export function drawing(tag, attributes = {}, ...children) {
    const made = document.createElementNS(SVG, tag);
    setAttributes(made, attributes);
    made.append(...children);
    return /** @type {SVGElement} */ (made);
}

/**
 * The element of the page with an id.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind its class, checked
 * @returns {T}
 */
export function byId(id, kind) {
    const found = document.getElementById(id);
    if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} #${id}`);
    return found;
}

/**
 * Show a line of text, or hide its element if there is none.
 *
 * @param {HTMLElement} place
 * @param {string | null} text
 */
export function say(place, text) {
    place.textContent = text ?? "";
    place.hidden = !text;
}

/**
 * Fill a list of choices.
 *
 * @param {HTMLSelectElement} select
 * @param {{ value: string, text: string }[]} choices
 * @param {string} [chosen] value of the one chosen
 */
export function fill(select, choices, chosen) {
    select.replaceChildren(
        ...choices.map(({ value, text }) => element("option", { value, selected: value === chosen }, text)),
    );
    select.disabled = choices.length === 0;
}

/**
 * @param {Element} made
 * @param {Record<string, string | number | boolean | null | undefined>} attributes
 */
function setAttributes(made, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value === false || value === null || value === undefined) continue;
        made.setAttribute(name, value === true ? "" : String(value));
    }
}
