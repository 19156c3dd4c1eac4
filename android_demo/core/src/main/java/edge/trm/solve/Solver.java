package edge.trm.solve;

import edge.trm.InvalidInput;
import edge.trm.Refused;
import edge.trm.bundle.GraphVariant;
import edge.trm.bundle.Manifest;
import edge.trm.engine.Engine;
import edge.trm.tasks.Puzzle;
import edge.trm.tasks.Task;
import edge.trm.tasks.Tasks;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;

/**
 * Solves puzzles with one engine under one halting policy: puzzles in, solutions out, in order, a bounded number in
 * memory. Knows tasks (to encode, decode and check); knows no engine. Not for several threads at once.
 */
public final class Solver {
    public static final int DEFAULT_BATCH = 32;

    public final Engine engine;
    public final Task task;
    public final Policy policy;
    /** Most supervision steps of a puzzle. */
    public final int budget;
    /** Most puzzles in one call. */
    public final int batchSize;

    /** With the bundle's own policy and budget. */
    public Solver(Engine engine) {
        this(engine, null, null, DEFAULT_BATCH);
    }

    /**
     * @param policy its text, see {@link Policy#parse}; null: the bundle's own
     * @param budget most supervision steps of a puzzle; null: the bundle's own
     */
    public Solver(Engine engine, String policy, Integer budget) {
        this(engine, policy == null ? null : Policy.parse(policy), budget, DEFAULT_BATCH);
    }

    /**
     * @param policy null: the bundle's own
     * @param budget most supervision steps of a puzzle; null: the bundle's own
     * @param batchSize most puzzles in one call; a batch size built into the graph takes its place
     * @throws InvalidInput the bundle does not fit its task, or a budget or batch size below 1
     * @throws Refused the graph variant cannot do what is asked; names one that can
     */
    public Solver(Engine engine, Policy policy, Integer budget, int batchSize) {
        Manifest manifest = engine.manifest;
        this.engine = engine;
        task = Tasks.get(manifest.task);
        if (task.seqLen != manifest.seqLen || task.vocabSize != manifest.vocabSize) {
            throw new InvalidInput("The bundle has " + manifest.seqLen + " tokens of " + manifest.vocabSize
                    + " values, the task '" + task.id + "' has " + task.seqLen + " of " + task.vocabSize);
        }
        if (batchSize < 1) {
            throw new InvalidInput("batch size must be at least 1, not " + batchSize);
        }
        this.policy = policy == null ? Policy.of(manifest.halting) : policy;
        this.budget = budget == null ? manifest.halting.maxSteps : budget;
        this.batchSize = manifest.fixedBatch() == null ? batchSize : manifest.fixedBatch();
        if (this.budget < 1) {
            throw new InvalidInput("budget must be at least 1 step, not " + this.budget);
        }
        if (manifest.graph == GraphVariant.UNROLLED && this.budget > manifest.steps) {
            throw new Refused("A budget of " + this.budget + " steps exceeds the " + manifest.steps
                    + " of this unrolled graph. Ask for at most " + manifest.steps
                    + ", or export a step graph, which has no limit.");
        }
        if (manifest.graph == GraphVariant.LOOP && !fitsLoop(this.policy)) {
            throw new Refused("A loop graph halts inside by 'act' (without min) or 'fixed' only, not by '"
                    + this.policy + "'. Use one of these, or export a step graph, which takes any policy.");
        }
    }

    /** Solves one puzzle. */
    public Solution solve(Puzzle puzzle) {
        return solve(puzzle, null);
    }

    /**
     * Solves one puzzle, and tells of every step.
     *
     * @param listener may be null
     * @throws InvalidInput a puzzle id that the bundle did not keep
     * @throws Cancelled the listener asked to stop
     */
    public Solution solve(Puzzle puzzle, StepListener listener) {
        return run(Collections.singletonList(puzzle).iterator(), 1, false, listener).next();
    }

    /** Solves all of some puzzles; the solutions are in their order. */
    public List<Solution> solveAll(Iterable<Puzzle> puzzles) {
        List<Solution> solutions = new ArrayList<Solution>();
        Iterator<Solution> found = solveMany(puzzles.iterator(), false, null);
        while (found.hasNext()) {
            solutions.add(found.next());
        }
        return solutions;
    }

    /**
     * Solves puzzles as they come; the solutions are in the same order. At most {@code batchSize} puzzles are worked on
     * and {@code budget * batchSize} finished ones wait for their turn.
     *
     * @param puzzles read as rows become free
     * @param trace keep the trajectory of each puzzle
     * @param listener may be null
     * @throws Refused {@code trace} with a loop graph, which gives only the last step away
     */
    public Iterator<Solution> solveMany(Iterator<Puzzle> puzzles, boolean trace, StepListener listener) {
        return run(puzzles, batchSize, trace, listener);
    }

    private Iterator<Solution> run(Iterator<Puzzle> puzzles, int capacity, boolean trace, StepListener listener) {
        switch (engine.manifest.graph) {
            case STEP:
                return new StepRun(this, puzzles, capacity, trace, listener);
            case UNROLLED:
                return new WholeRun(this, puzzles, capacity, trace, listener);
            default:
                if (trace) {
                    throw new Refused(
                            "A loop graph gives only the last step away: use a step or unrolled graph to trace");
                }
                return new WholeRun(this, puzzles, capacity, false, listener);
        }
    }

    /** A loop graph knows one threshold and one budget: everything else is beyond it. */
    private static boolean fitsLoop(Policy policy) {
        return policy instanceof Policy.Fixed
                || (policy instanceof Policy.Act && ((Policy.Act) policy).minSteps == 1);
    }
}
