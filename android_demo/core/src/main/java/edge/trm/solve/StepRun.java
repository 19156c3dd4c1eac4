package edge.trm.solve;

import edge.trm.bundle.CarrySpec;
import edge.trm.engine.Tensor;
import edge.trm.tasks.Puzzle;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NoSuchElementException;

/**
 * The loop over supervision steps of a step graph. The batch is kept dense: a row that halts makes room at once for the
 * next puzzle or, where there is none, for the last row. Two sets of states take turns as input and output of the
 * graph; only rows that change hands are copied.
 */
final class StepRun implements Iterator<Solution> {
    private final Solver solver;
    private final StepListener listener;
    private final Batch batch;
    private final Map<String, Tensor> fresh;
    private final Map<Integer, Solution> finished = new HashMap<Integer, Solution>(); // waiting for those before them
    private final Deque<Integer> stopped = new ArrayDeque<Integer>(); // rows to be filled anew, the last first
    private Map<String, Tensor> carry;
    private Map<String, Tensor> next;
    private Tensor logits;
    private Tensor qHalt;
    private int yielded;

    StepRun(Solver solver, Iterator<Puzzle> puzzles, int capacity, boolean trace, StepListener listener) {
        this.solver = solver;
        this.listener = listener;
        batch = new Batch(solver, puzzles, capacity, trace, 0);
        batch.fill(capacity);
        fresh = solver.engine.initialCarry(1);
        if (batch.rows.isEmpty()) {
            return;
        }
        carry = solver.engine.initialCarry(batch.width());
        next = solver.engine.initialCarry(batch.width());
        Map<String, Tensor> outputs = solver.engine.outputs(batch.width());
        logits = outputs.get("logits");
        qHalt = outputs.get("q_halt");
    }

    @Override
    public boolean hasNext() {
        if (finished.containsKey(yielded)) {
            return true;
        }
        refill();
        return !batch.rows.isEmpty();
    }

    @Override
    public Solution next() {
        while (!finished.containsKey(yielded)) {
            refill();
            if (batch.rows.isEmpty()) {
                throw new NoSuchElementException();
            }
            step();
        }
        return finished.remove(yielded++);
    }

    @Override
    public void remove() {
        throw new UnsupportedOperationException();
    }

    private void step() {
        int width = batch.width();
        Map<String, Tensor> inputs = batch.inputs();
        Map<String, Tensor> outputs = new LinkedHashMap<String, Tensor>();
        outputs.put("logits", logits.rows(width));
        outputs.put("q_halt", qHalt.rows(width));
        for (CarrySpec state : solver.engine.manifest.carry) {
            inputs.put(state.input, carry.get(state.input).rows(width));
            outputs.put(state.output, next.get(state.input).rows(width));
        }
        solver.engine.infer(inputs, outputs);
        Map<String, Tensor> previous = carry;
        carry = next;
        next = previous;
        for (int row = 0; row < batch.rows.size(); row++) {
            Row seen = batch.rows.get(row);
            if (seen.observe(batch.answer(logits, row), qHalt.get(row), listener)) {
                finished.put(seen.number, seen.solution());
                stopped.push(row);
            }
        }
    }

    /** Backwards, so that the row that is moved into a gap is never one that has stopped. */
    private void refill() {
        while (!stopped.isEmpty()) {
            int row = stopped.pop();
            if (batch.hasMore()) {
                batch.load(row);
                for (Map.Entry<String, Tensor> state : carry.entrySet()) {
                    state.getValue().copyRow(row, fresh.get(state.getKey()), 0);
                }
            } else {
                int last = batch.drop(row);
                for (Tensor state : carry.values()) {
                    state.copyRow(row, state, last);
                }
            }
        }
    }
}
