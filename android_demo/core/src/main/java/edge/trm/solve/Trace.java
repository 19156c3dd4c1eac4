package edge.trm.solve;

/** The trajectory of one puzzle up to the step at which it stopped. */
public final class Trace {
    /** Answer tokens after each step [steps][seqLen]. */
    public final int[][] answers;
    /** Halting logits [steps]. */
    public final float[] qHalt;

    Trace(int[][] answers, float[] qHalt) {
        this.answers = answers;
        this.qHalt = qHalt;
    }
}
