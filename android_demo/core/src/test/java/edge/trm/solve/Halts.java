package edge.trm.solve;

import edge.trm.tasks.Grid;
import edge.trm.tasks.LabelTask;
import edge.trm.tasks.Puzzle;
import java.util.List;

/** A policy on given logits and answers, through the code that the solver runs. */
public final class Halts {
    private Halts() {}

    public static Solution replay(String policy, int budget, List<?> logits, List<?> answers, List<?> solves) {
        LabelTask task = new LabelTask(solves);
        Puzzle puzzle = new Puzzle(Grid.of(1, 1, new int[] {0}));
        Row row = new Row(task, Policy.parse(policy), budget, puzzle, 0, false);
        int step = 0;
        boolean done = false;
        while (!done) {
            int answer = ((Number) answers.get(step)).intValue();
            done = row.observe(new int[] {answer}, ((Number) logits.get(step)).floatValue(), null);
            step++;
        }
        return row.solution();
    }
}
