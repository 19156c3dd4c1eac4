/**
 * A model card as elements: the Markdown that model cards are written in (headings, paragraphs, lists, tables, code,
 * bold, quotes), as text nodes only. Links are shown as their text: nothing leads off the page. What it does not know
 * stays as it is written.
 */

import { element } from "./dom.js";

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]*)\]\(([^)]*)\)/g;

/**
 * @param {string} text
 * @returns {HTMLElement[]}
 */
export function fromMarkdown(text) {
    const body = text.replace(/\r\n/g, "\n").replace(/^---\n[\s\S]*?\n---\n/, "");
    return body
        .split(/\n{2,}|\n(?=#{1,6} )/)
        .map((block) => block.replace(/^\n+|\s+$/g, ""))
        .filter(Boolean)
        .flatMap(block);
}

/**
 * @param {string} text
 * @returns {HTMLElement[]}
 */
function block(text) {
    const [first, ...rest] = text.split("\n");
    const heading = /^(#{1,6}) (.*)$/.exec(first);
    if (heading) {
        // the page has its own h1 and h2
        const tag = /** @type {"h3" | "h4"} */ (heading[1].length === 1 ? "h3" : "h4");
        return [element(tag, {}, ...inline(heading[2])), ...(rest.length ? block(rest.join("\n")) : [])];
    }
    const lines = [first, ...rest];
    if (lines.length > 1 && lines.every((line) => line.startsWith("|"))) return [table(lines)];
    if (/^[-*] /.test(first)) return [list(text)];
    if (/^(```|    )/.test(first))
        return [element("pre", {}, element("code", {}, text.replace(/^```.*\n?|```$/gm, "")))];
    return [element("p", {}, ...inline(lines.map((line) => line.replace(/^> ?/, "")).join(" ")))];
}

/** @param {string} text */
function list(text) {
    const items = text.split(/\n(?=[-*] )/).map((item) => item.replace(/^[-*] /, "").replace(/\n\s*/g, " "));
    return element("ul", {}, ...items.map((item) => element("li", {}, ...inline(item))));
}

/** @param {string[]} lines */
function table(lines) {
    const rows = lines.map((line) =>
        line
            .replace(/^\||\|\s*$/g, "")
            .split("|")
            .map((cell) => cell.trim()),
    );
    const ruled = /^[-:\s]*$/.test(rows[1]?.join("") ?? "x");
    const head = ruled ? rows[0] : null;
    const body = ruled ? rows.slice(2) : rows;
    const made = element("table");
    if (head) {
        const cells = head.map((cell) => element("th", { scope: "col" }, ...inline(cell)));
        made.append(element("thead", {}, element("tr", {}, ...cells)));
    }
    const cells = body.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, ...inline(cell)))));
    made.append(element("tbody", {}, ...cells));
    return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table" }, made);
}

/**
 * @param {string} text
 * @returns {(Node | string)[]}
 */
function inline(text) {
    const parts = [];
    let from = 0;
    for (const match of text.matchAll(INLINE)) {
        parts.push(text.slice(from, match.index));
        if (match[1] !== undefined) parts.push(element("code", {}, match[1]));
        else if (match[2] !== undefined) parts.push(element("strong", {}, match[2]));
        else parts.push(match[3]);
        from = match.index + match[0].length;
    }
    parts.push(text.slice(from));
    return parts;
}
