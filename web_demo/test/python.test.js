/** What Python writes and reads, and what its standard library guesses. Expected values are Python's own. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { initialState, toHalf } from "../core/carry.js";
import { isIsoDate } from "../core/dates.js";
import { Real, dump, parse, plain } from "../core/json.js";
import { closest } from "../core/nearest.js";
import { parseFloatText, repr, reprFloat, splitLines } from "../core/python.js";

test("floats", () => {
    const shown = {
        "0.0": 0,
        "-0.0": -0,
        "1.0": 1,
        0.1: 0.1,
        0.0001: 1e-4,
        "1e-05": 1e-5,
        "1.5e-07": 1.5e-7,
        "1e+16": 1e16,
        "1234567890123456.0": 1234567890123456,
        "1.2345678901234568e+17": 123456789012345680,
        "5e-324": 5e-324,
        "1.7976931348623157e+308": Number.MAX_VALUE,
        "-123.456": -123.456,
        inf: Infinity,
        nan: NaN,
    };
    for (const [text, value] of Object.entries(shown)) assert.equal(reprFloat(value), text);
    const read = { " 1.5 ": 1.5, "-.5": -0.5, "5.": 5, "+1e3": 1000, Infinity: Infinity, "-inf": -Infinity };
    for (const [text, value] of Object.entries(read)) assert.equal(parseFloatText(text), value);
    for (const text of ["", ".", "1_0", "0x10", "1e", "e5", "1 2", "none", "\ufeff1"])
        assert.equal(parseFloatText(text), null);
});

test("texts", () => {
    const shown = { a: "'a'", "it's": '"it\'s"', "'\"": "'\\'\"'", "\n\t\\": "'\\n\\t\\\\'", "\u0000": "'\\x00'" };
    for (const [text, quoted] of Object.entries(shown)) assert.equal(repr(text), quoted);
    assert.equal(repr("\u200b\u{10ffff}\ud800é😀"), "'\\u200b\\U0010ffff\\ud800é😀'");
    assert.deepEqual(splitLines("a\r\nb\rc\n\nd\u2028e\n"), ["a", "b", "c", "", "d", "e"]);
});

test("the nearest name", () => {
    const policies = ["fixed", "act", "stable", "verified", "any", "all"];
    assert.equal(closest("stabel", policies), "stable");
    assert.equal(closest("axt", policies), "act");
    assert.equal(closest("al", policies), "all");
    assert.equal(closest("xyz", policies), null);
    assert.equal(closest("", policies), null);
});

test("JSON keeps whole numbers apart from others", () => {
    const found = /** @type {Map<string, any>} */ (parse('{"a": [1, 1.0, 1e2, 0.5, -0], "12": 12345678901234567890}'));
    assert.deepEqual([...found.keys()], ["a", "12"]);
    const [whole, real, large] = found.get("a");
    assert.deepEqual([whole, real, large], [1, new Real(1), new Real(100)]);
    assert.equal(found.get("12"), 12345678901234567890n);
    assert.equal(dump(found), '{"a": [1, 1.0, 100.0, 0.5, 0], "12": 12345678901234567890}');
    assert.deepEqual(plain(found).a, [1, 1, 100, 0.5, 0]);
    assert.equal(dump("é\u007f😀"), '"\\u00e9\\u007f\\ud83d\\ude00"');
    assert.throws(() => parse('{"a": 1,\n "b" 2}'), /Expecting ':' delimiter: line 2 column 6 \(char 14\)/);
    assert.equal(/** @type {any} */ (plain(parse('{"__proto__": {"evil": 1}}'))).evil, undefined);
});

test("dates", () => {
    const good = [
        "2026-11-24",
        "20261124",
        "2026-W48-2",
        "2026W48",
        "2026-11-24T10:00:00Z",
        "2026-11-24 10:00:00.123456+02:00",
    ];
    const bad = ["", "2026", "2026-13-01", "2025-02-29", "0000-01-01", "2026-11-24T", "2026-11-24T24:00", "2025-W53-1"];
    for (const text of good) assert.ok(isIsoDate(text), text);
    for (const text of bad) assert.ok(!isIsoDate(text), text);
});

test("half precision, ties to even", () => {
    const bits = [
        [0, 0],
        [-0, 0x8000],
        [1, 0x3c00],
        [-2, 0xc000],
        [0.1, 0x2e66],
        [65504, 0x7bff],
        [65519, 0x7bff],
        [65520, 0x7c00],
        [2 ** -24, 1],
        [2 ** -25, 0],
        [3 * 2 ** -25, 2],
        [1 + 2 ** -11, 0x3c00],
        [1 + 3 * 2 ** -11, 0x3c02],
        [2 - 2 ** -12, 0x4000],
        [2 ** -14 - 2 ** -26, 0x0400],
    ];
    for (const [value, expected] of bits) assert.equal(toHalf(Math.fround(value)), expected, String(value));
});

test("integer states: rounded half to even, clipped", () => {
    const state = { input: "z", output: "z_next", init: [0.25, 0.75, -9, 9, 0.1], scale: 0.5, zeroPoint: 2 };
    assert.deepEqual([...initialState(state, "uint8", 2)], [2, 4, 0, 20, 2, 2, 4, 0, 20, 2]);
    assert.deepEqual(initialState({ ...state, scale: 0.01 }, "uint8", 1), Uint8Array.of(27, 77, 0, 255, 12));
});
