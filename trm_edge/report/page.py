"""Self-contained HTML pages: no scripts, no other files, light or dark as the reader's system is.

Every function returns HTML of what it is given as plain text; charts are the SVG documents of this package.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1b1b; --faint: #767676; --line: #d0d0d0;
  --good: #005c3f; --bad: #a13c00 }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e8e8e8; --faint: #9a9a9a; --line: #44484d;
  --good: #5fd3a8; --bad: #ff9a5c } }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word }
h1 { font-size: 1.6rem; line-height: 1.2 } h2 { font-size: 1.25rem; margin-top: 2.5rem }
.verdict { font-size: 1.15rem; font-weight: bold; border-left: .4rem solid; padding: .4rem .8rem }
.good { color: var(--good) } .bad { color: var(--bad) }
.scroll { overflow-x: auto; margin: 1rem 0 } .scroll:focus-visible { outline: 2px solid var(--ink) }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem }
caption { text-align: left; font-weight: bold; padding-bottom: .3rem }
th, td { padding: .25rem .6rem; text-align: right; vertical-align: baseline; border-bottom: 1px solid var(--line) }
th.word, td.word { text-align: left } tbody th { font-weight: normal }
figure { margin: 1.5rem 0 } figcaption { color: var(--faint); font-size: .9rem }
svg { color: var(--ink); min-width: 34rem; width: 100%; height: auto } .paper { fill: none }
dt { color: var(--faint); font-size: .9rem } dd { margin: 0 0 .5rem }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """The whole document; ``parts`` are what the functions below return. Its policy forbids to load anything."""
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def section(title: str, *parts: str) -> str:
    """A part of the page under its own heading."""
    return "\n".join(("<section>", f"<h2>{escape(title)}</h2>", *parts, "</section>"))


def verdict(text: str, *, good: bool) -> str:
    """The one sentence that the page is about; it must say in words what its colour says."""
    return f'<p class="verdict {"good" if good else "bad"}">{escape(text)}</p>'


def paragraph(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def listing(lines: Iterable[str]) -> str:
    """A list, or nothing where there are no lines."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def facts(values: Mapping[str, object]) -> str:
    """Names and values; those that are None are left out."""
    pairs = (f"<dt>{escape(n)}</dt><dd>{escape(str(value))}</dd>" for n, value in values.items() if value is not None)
    return f"<dl>{''.join(pairs)}</dl>"


def figure(svg: str, caption: str) -> str:
    """A chart of this package with what it shows; it scrolls by itself where the page is narrow."""
    label = escape(caption)
    return (
        f'<figure><div class="scroll" role="region" aria-label="{label}" tabindex="0">\n{svg}</div>'
        f"<figcaption>{label}</figcaption></figure>"
    )
