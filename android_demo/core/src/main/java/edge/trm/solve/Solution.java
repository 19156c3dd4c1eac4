package edge.trm.solve;

import edge.trm.tasks.Grid;
import edge.trm.tasks.Puzzle;

/** What became of one puzzle. */
public final class Solution {
    public final Puzzle puzzle;
    /** Answer tokens [seqLen]. */
    public final int[] answer;
    /** The answer in the task's own symbols. */
    public final Grid grid;
    /** Supervision steps used. */
    public final int steps;
    /** Halting logit of the last of them. */
    public final float qHalt;
    /** True: the policy fired; false: the budget was spent. */
    public final boolean halted;
    /** Whether the answer obeys the rules; null for a task without rules. */
    public final Boolean solved;
    /** The trajectory, if asked for, else null. */
    public final Trace trace;

    Solution(
            Puzzle puzzle, int[] answer, Grid grid, int steps, float qHalt, boolean halted, Boolean solved,
            Trace trace) {
        this.puzzle = puzzle;
        this.answer = answer;
        this.grid = grid;
        this.steps = steps;
        this.qHalt = qHalt;
        this.halted = halted;
        this.solved = solved;
        this.trace = trace;
    }
}
