package edge.trm.tasks;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A task of one token, an answer's label; the rules are a list of labels that solve it. For tests of policies. */
public final class LabelTask extends Task {
    private final Set<Integer> solves = new HashSet<Integer>();

    public LabelTask(List<?> solves) {
        super("label", "label", 1, 1000, true);
        for (Object label : solves) {
            this.solves.add(((Number) label).intValue());
        }
    }

    @Override
    public Puzzle parse(String text) {
        throw new UnsupportedOperationException();
    }

    @Override
    public String format(Grid grid) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int[] encode(Grid grid) {
        return grid.cells();
    }

    @Override
    public Grid decode(int[] tokens) {
        return Grid.of(1, 1, tokens);
    }

    @Override
    public String check(Grid question, Grid answer) {
        return solves.contains(answer.get(0, 0)) ? null : "wrong";
    }

    @Override
    public boolean solved(int[] question, int[] answer) {
        return solves.contains(answer[0]);
    }
}
