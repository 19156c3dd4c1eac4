package edge.trm.solve;

import edge.trm.tasks.Puzzle;
import edge.trm.tasks.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One puzzle on its way: what has been seen of it, and the solution made of it. Does not know where logits come from.
 */
final class Row {
    final Puzzle puzzle;
    final int number;
    final int[] question;
    int step;

    private final Task task;
    private final Policy policy;
    private final int budget;
    private final boolean keep;
    private final List<int[]> answers = new ArrayList<int[]>();
    private final List<Float> logits = new ArrayList<Float>();
    private int[] answer;
    private RowState state;
    private int unchanged;
    private boolean halted;

    Row(Task task, Policy policy, int budget, Puzzle puzzle, int number, boolean keep) {
        this.task = task;
        this.policy = policy;
        this.budget = budget;
        this.puzzle = puzzle;
        this.number = number;
        this.keep = keep;
        question = task.encode(puzzle.question);
    }

    /**
     * Takes in one supervision step, tells the listener, and says whether the puzzle is done.
     *
     * @throws Cancelled the listener asked to stop
     */
    boolean observe(int[] next, float qHalt, StepListener listener) {
        int[] before = answer;
        answer = next;
        step++;
        unchanged = before != null && Arrays.equals(before, next) ? unchanged + 1 : 0;
        state = new RowState(task, question, next, step, qHalt, unchanged);
        halted = policy.halts(state);
        boolean last = halted || step >= budget;
        if (keep) {
            answers.add(next);
            logits.add(qHalt);
        }
        if (listener != null) {
            int[] reference = before == null ? question : before;
            boolean[] changed = new boolean[next.length];
            for (int i = 0; i < next.length; i++) {
                changed[i] = next[i] != reference[i];
            }
            if (!listener.onStep(new Step(number, step, next.clone(), changed, qHalt, last, halted))) {
                throw new Cancelled();
            }
        }
        return last;
    }

    /** The solution as of the last observed step. */
    Solution solution() {
        Trace trace = null;
        if (keep) {
            float[] qHalt = new float[logits.size()];
            for (int i = 0; i < qHalt.length; i++) {
                qHalt[i] = logits.get(i);
            }
            trace = new Trace(answers.toArray(new int[0][]), qHalt);
        }
        Boolean solved = task.hasRules ? (Boolean) state.solved() : null;
        return new Solution(
                puzzle, answer.clone(), task.decode(answer), step, state.qHalt, halted, solved, trace);
    }
}
