package edge.trm.solve;

import edge.trm.tasks.Task;

/** What is known of one puzzle after a supervision step: all that a halting policy looks at. */
public final class RowState {
    /** Supervision steps done, the first is 1. */
    public final int step;
    /** Halting logit. */
    public final float qHalt;
    /** For how many steps in a row the answer has equalled the one before. */
    public final int unchanged;

    private final Task task;
    private final int[] question;
    private final int[] answer;
    private Boolean solved;

    RowState(Task task, int[] question, int[] answer, int step, float qHalt, int unchanged) {
        this.task = task;
        this.question = question;
        this.answer = answer;
        this.step = step;
        this.qHalt = qHalt;
        this.unchanged = unchanged;
    }

    /** Whether the answer obeys the rules of the task; checked once at most. */
    public boolean solved() {
        if (solved == null) {
            solved = task.solved(question, answer);
        }
        return solved;
    }
}
