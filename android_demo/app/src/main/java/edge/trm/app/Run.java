package edge.trm.app;

import edge.trm.engine.Engine;
import edge.trm.solve.Cancelled;
import edge.trm.solve.Policy;
import edge.trm.solve.Solution;
import edge.trm.solve.Solver;
import edge.trm.solve.Step;
import edge.trm.solve.StepListener;
import edge.trm.tasks.Grid;
import edge.trm.tasks.Puzzle;
import edge.trm.tasks.Task;
import java.util.ArrayList;
import java.util.List;

/**
 * One try at a puzzle: its steps as they come, and how it ended. {@link #solve} runs on the worker; {@code frames}
 * belongs to the main thread, and so does all else once {@link #solve} has returned there.
 */
final class Run {
    /** What one supervision step left. */
    static final class Frame {
        /** Counted from 1; a loop graph shows its last one alone. */
        final int step;
        final Grid answer;
        /** Halting logit. */
        final float logit;

        Frame(int step, Grid answer, float logit) {
            this.step = step;
            this.answer = answer;
            this.logit = logit;
        }
    }

    /** Is given every frame, on the worker. */
    interface Listener {
        void onFrame(Frame frame);
    }

    /** Most steps. */
    final int budget;
    /** Logit above which the policy halts; null: no logit does. */
    final Double threshold;
    final List<Frame> frames = new ArrayList<Frame>();

    private final String policy;
    private volatile boolean stop;
    private boolean stopped;
    private Solution solution;
    private String reason;
    private double seconds;
    private String engine = "";

    Run(String policy, int budget, Double threshold) {
        this.policy = policy;
        this.budget = budget;
        this.threshold = threshold;
    }

    /** Asks for an end after the step that is being computed; from any thread. */
    void stop() {
        stop = true;
    }

    /** Whether the user ended it. */
    boolean stopped() {
        return stopped;
    }

    /** How it ended; null: it was stopped, or it has not ended. */
    Solution solution() {
        return solution;
    }

    /** The first rule that the answer breaks; null: none, or the task has no rules. */
    String reason() {
        return reason;
    }

    /** From puzzle to answer, or to the stop. */
    double seconds() {
        return seconds;
    }

    /** What computed, in its own words. */
    String engine() {
        return engine;
    }

    /**
     * Solves on the calling thread.
     *
     * @throws edge.trm.TrmEdgeException the graph cannot follow the policy, or failed
     */
    void solve(Engine engine, final Task task, Puzzle puzzle, final Listener listener) {
        Solver solver = new Solver(engine, Policy.parse(policy), budget, 1);
        this.engine = engine.runtime() + " · " + engine.provider();
        long begun = System.nanoTime();
        try {
            solution = solver.solve(puzzle, new StepListener() {
                @Override public boolean onStep(Step step) {
                    listener.onFrame(new Frame(step.step, task.decode(step.answer), step.qHalt));
                    return step.last || !stop;
                }
            });
            seconds = (System.nanoTime() - begun) / 1e9;
            reason = task.hasRules ? task.check(puzzle.question, solution.grid) : null;
        } catch (Cancelled asked) {
            seconds = (System.nanoTime() - begun) / 1e9;
            stopped = true;
        }
    }
}
