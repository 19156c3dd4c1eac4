/**
 * The shapes that the modules of the core hand each other. No code: types only.
 *
 * A grid is an array of rows of whole numbers, in the task's own symbols (each task documents them). Tokens are an
 * Int32Array of seq_len values, what the model reads and answers.
 */

/** @typedef {number[][]} Grid */

/**
 * A puzzle as the solver takes it.
 *
 * @typedef {object} Puzzle
 * @property {Grid} question the grid as given
 * @property {number} [puzzleId] original id of the puzzle embedding, 0 unless the bundle keeps several
 */

/**
 * Codec and rules of one kind of puzzle at one size. `getTask(id)` of `core/tasks.js` makes it.
 *
 * @typedef {object} Task
 * @property {string} id `sudoku-9x9`, `maze-30x30`, `arc-30x30` ...
 * @property {string} family `sudoku`, `maze` or `arc`
 * @property {boolean} hasRules whether `check` can tell a right answer from a wrong one
 * @property {number} seqLen tokens of one puzzle
 * @property {number} vocabSize tokens are 0 to vocabSize - 1
 * @property {(text: string) => Puzzle} parse reads one puzzle; throws InvalidPuzzle
 * @property {(grid: Grid) => string} format the canonical line, such that `parse(format(grid))` gives the grid back
 * @property {(grid: Grid) => Int32Array} encode grid to tokens
 * @property {(tokens: ArrayLike<number>) => Grid} decode tokens to grid; never throws on what a model answers
 * @property {(question: Grid, answer: Grid) => string | null} check null if the answer solves the question, else the
 *     first violation in one line
 * @property {(question: ArrayLike<number>, answer: ArrayLike<number>) => boolean} solved `check` on tokens, fast
 */

/**
 * One supervision step of one row, as it happens.
 *
 * @typedef {object} StepEvent
 * @property {number} row row of the batch
 * @property {number} puzzle number of the puzzle in the input, from 0
 * @property {number} step supervision steps done with it, from 1
 * @property {Int32Array} answer answer tokens after the step (a copy)
 * @property {Uint8Array} changed 1 where a token differs from the step before (at step 1: from the question)
 * @property {number} qHalt halting logit after the step
 * @property {number} milliseconds that the call of the graph took; of an unrolled one its share
 */

/**
 * What became of one puzzle.
 *
 * @typedef {object} Solution
 * @property {Puzzle} puzzle the puzzle
 * @property {number} number its number in the input, from 0
 * @property {Int32Array} answer answer tokens
 * @property {Grid} grid the answer in the task's own symbols
 * @property {number} steps supervision steps used
 * @property {number} qHalt halting logit of the last of them
 * @property {boolean} halted true: the policy fired; false: the budget was spent
 * @property {boolean | null} solved whether the answer obeys the rules; null for a task without rules
 * @property {Trace | null} trace the trajectory, if asked for
 */

/**
 * The trajectory of one puzzle up to the step it stopped at.
 *
 * @typedef {object} Trace
 * @property {Int32Array[]} answers answers after each step
 * @property {number[]} qHalt halting logits
 */

export {};
