package edge.trm.solve;

/** One puzzle after one supervision step, for a {@link StepListener}. */
public final class Step {
    /** Which puzzle, counted from 0 in the order they were given. */
    public final int puzzle;
    /** Which step, counted from 1. */
    public final int step;
    /** Answer tokens [seqLen] after it; not to be changed. */
    public final int[] answer;
    /** Which tokens differ from the answer before; after the first step, from the question. */
    public final boolean[] changed;
    /** Halting logit. */
    public final float qHalt;
    /** Whether the puzzle is done: the policy fired or the budget is spent. */
    public final boolean last;
    /** Whether the policy fired. */
    public final boolean halted;

    Step(int puzzle, int step, int[] answer, boolean[] changed, float qHalt, boolean last, boolean halted) {
        this.puzzle = puzzle;
        this.step = step;
        this.answer = answer;
        this.changed = changed;
        this.qHalt = qHalt;
        this.last = last;
        this.halted = halted;
    }

    /** The logit as a probability. */
    public double probability() {
        return 1 / (1 + Math.exp(-qHalt));
    }
}
