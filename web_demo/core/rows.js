/**
 * The rows of a batch: which puzzle each holds, what has been seen of it, and the solution made of it. Knows tasks and
 * policies; does not know where logits come from.
 */

/** @typedef {import("./types.js").Puzzle} Puzzle */
/** @typedef {import("./types.js").Task} Task */
/** @typedef {import("./types.js").Solution} Solution */
/** @typedef {import("./types.js").Trace} Trace */
/** @typedef {import("./types.js").StepEvent} StepEvent */

/** One puzzle on its way. */
class Row {
    step = 0;
    unchanged = 0;
    qHalt = 0;
    fired = false;
    /** @type {Int32Array | null} after the last step */
    answer = null;
    /** @type {boolean | null} whether `answer` obeys the rules; null: not looked at yet */
    right = null;

    /**
     * @param {Puzzle} puzzle
     * @param {number} number in the input
     * @param {Int32Array} tokens
     * @param {number} puzzleRow
     * @param {Trace | null} trace
     */
    constructor(puzzle, number, tokens, puzzleRow, trace) {
        this.puzzle = puzzle;
        this.number = number;
        this.tokens = tokens;
        this.puzzleRow = puzzleRow;
        this.trace = trace;
    }
}

export class Rows {
    /** @type {Row[]} the live ones */
    #rows = [];
    #task;
    #policy;
    #budget;
    #puzzleRow;
    #trace;

    /**
     * @param {Task} task
     * @param {import("./policies.js").Policy} policy
     * @param {number} budget most steps of a row
     * @param {(id: number) => number} puzzleRow original puzzle id -> row of the kept embeddings
     * @param {boolean} trace keep trajectories
     */
    constructor(task, policy, budget, puzzleRow, trace) {
        this.#task = task;
        this.#policy = policy;
        this.#budget = budget;
        this.#puzzleRow = puzzleRow;
        this.#trace = trace;
    }

    /** Rows that hold a puzzle. */
    get live() {
        return this.#rows.length;
    }

    /**
     * Start a puzzle in a row; the one behind the live rows makes them one more.
     *
     * @param {number} row
     * @param {Puzzle} puzzle
     * @param {number} number of the puzzle in the input
     * @throws {InvalidInput} its puzzle id is not kept in the bundle
     */
    load(row, puzzle, number) {
        const puzzleRow = this.#puzzleRow(puzzle.puzzleId ?? 0);
        const trace = this.#trace ? { answers: [], qHalt: [] } : null;
        this.#rows[row] = new Row(puzzle, number, this.#task.encode(puzzle.question), puzzleRow, trace);
    }

    /**
     * End a row by moving the last live row into its place.
     *
     * @param {number} row
     * @returns {number} where that one was
     */
    drop(row) {
        const last = /** @type {Row} */ (this.#rows.pop());
        if (row < this.#rows.length) this.#rows[row] = last;
        return this.#rows.length;
    }

    /**
     * Tokens and rows of puzzle embeddings, for a batch of `width`; what is beyond the live rows is zeros.
     *
     * @param {number} width
     */
    inputs(width) {
        const { seqLen } = this.#task;
        const tokens = new Int32Array(width * seqLen);
        const puzzleIds = new Int32Array(width);
        this.#rows.forEach((row, index) => {
            tokens.set(row.tokens, index * seqLen);
            puzzleIds[index] = row.puzzleRow;
        });
        return {
            tokens: { type: "int32", dims: [width, seqLen], data: tokens },
            puzzleIds: { type: "int32", dims: [width], data: puzzleIds },
        };
    }

    /**
     * Take in a supervision step of one live row.
     *
     * @param {number} index
     * @param {Int32Array} answer kept by the row
     * @param {number} qHalt
     * @param {number} [steps] done in all; default: one more than before
     * @returns {boolean} whether the row stops after it
     */
    observe(index, answer, qHalt, steps) {
        const row = this.#rows[index];
        const same = row.answer !== null && answer.every((token, at) => token === row.answer?.[at]);
        row.unchanged = same ? row.unchanged + 1 : 0;
        row.step = steps ?? row.step + 1;
        row.answer = answer;
        row.qHalt = qHalt;
        row.right = null;
        row.trace?.answers.push(answer.slice());
        row.trace?.qHalt.push(qHalt);
        row.fired = this.#policy.halted({
            step: row.step,
            unchanged: row.unchanged,
            qHalt,
            solved: () => this.#solved(row),
        });
        return row.fired || row.step >= this.#budget;
    }

    /**
     * What a step of a row looks like to whoever watches.
     *
     * @param {number} index
     * @param {Int32Array | null} before its answer before that step
     * @param {number} milliseconds
     * @returns {StepEvent}
     */
    event(index, before, milliseconds) {
        const row = this.#rows[index];
        const answer = /** @type {Int32Array} */ (row.answer).slice();
        const earlier = before ?? row.tokens;
        const changed = Uint8Array.from(answer, (token, at) => Number(token !== earlier[at]));
        return { row: index, puzzle: row.number, step: row.step, answer, changed, qHalt: row.qHalt, milliseconds };
    }

    /** The answer of a row so far, null before its first step.  @param {number} index */
    answer(index) {
        return this.#rows[index].answer;
    }

    /**
     * The solution of a row as of the last observed step.
     *
     * @param {number} index
     * @returns {Solution}
     */
    solution(index) {
        const row = this.#rows[index];
        const answer = /** @type {Int32Array} */ (row.answer);
        return {
            puzzle: row.puzzle,
            number: row.number,
            answer,
            grid: this.#task.decode(answer),
            steps: row.step,
            qHalt: row.qHalt,
            halted: row.fired,
            solved: this.#task.hasRules ? this.#solved(row) : null,
            trace: row.trace,
        };
    }

    /** @param {Row} row */
    #solved(row) {
        row.right ??= row.answer !== null && this.#task.solved(row.tokens, row.answer);
        return row.right;
    }
}
