package edge.trm.solve;

/** Is told of every supervision step of every puzzle, on the thread that solves. */
public interface StepListener {
    /**
     * Called after a step. A loop graph gives only its last step away.
     *
     * @return whether to go on; false makes the solver throw {@link Cancelled}
     */
    boolean onStep(Step step);
}
