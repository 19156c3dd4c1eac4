package edge.trm.solve;

import edge.trm.bundle.GraphVariant;
import edge.trm.engine.DType;
import edge.trm.engine.Tensor;
import edge.trm.tasks.Puzzle;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Map;

/** Batch by batch through a graph that takes all its supervision steps in one call: unrolled, or with a loop inside. */
final class WholeRun implements Iterator<Solution> {
    private final Solver solver;
    private final Iterator<Puzzle> puzzles;
    private final int capacity;
    private final boolean trace;
    private final StepListener listener;
    private final Deque<Solution> ready = new ArrayDeque<Solution>();
    private int done;

    WholeRun(Solver solver, Iterator<Puzzle> puzzles, int capacity, boolean trace, StepListener listener) {
        this.solver = solver;
        this.puzzles = puzzles;
        this.capacity = capacity;
        this.trace = trace;
        this.listener = listener;
    }

    @Override
    public boolean hasNext() {
        return !ready.isEmpty() || puzzles.hasNext();
    }

    @Override
    public Solution next() {
        if (ready.isEmpty()) {
            Batch batch = new Batch(solver, puzzles, capacity, trace, done);
            batch.fill(capacity);
            done += batch.rows.size();
            if (solver.engine.manifest.graph == GraphVariant.UNROLLED) {
                unrolled(batch);
            } else {
                loop(batch);
            }
        }
        return ready.remove();
    }

    @Override
    public void remove() {
        throw new UnsupportedOperationException();
    }

    private void unrolled(Batch batch) {
        Map<String, Tensor> outputs = solver.engine.infer(batch.inputs());
        int width = batch.width();
        for (int row = 0; row < batch.rows.size(); row++) {
            Row seen = batch.rows.get(row);
            int at = row;
            while (!seen.observe(batch.answer(outputs.get("logits"), at), outputs.get("q_halt").get(at), listener)) {
                at += width; // the same row after the next step
            }
            ready.add(seen.solution());
        }
    }

    private void loop(Batch batch) {
        double threshold = Double.POSITIVE_INFINITY;
        int budget = solver.budget;
        if (solver.policy instanceof Policy.Act) {
            threshold = ((Policy.Act) solver.policy).threshold;
        } else if (((Policy.Fixed) solver.policy).steps != null) {
            budget = Math.min(budget, ((Policy.Fixed) solver.policy).steps);
        }
        Map<String, Tensor> inputs = batch.inputs();
        inputs.put("budget", Tensor.zeros(DType.INT64));
        inputs.get("budget").set(0, budget);
        inputs.put("threshold", Tensor.zeros(DType.FLOAT32));
        inputs.get("threshold").set(0, threshold);
        Map<String, Tensor> outputs = solver.engine.infer(inputs);
        for (int row = 0; row < batch.rows.size(); row++) {
            Row seen = batch.rows.get(row);
            seen.step = (int) outputs.get("steps").getLong(row) - 1; // observe() counts the call as one step more
            seen.observe(batch.answer(outputs.get("logits"), row), outputs.get("q_halt").get(row), listener);
            ready.add(seen.solution());
        }
    }
}
