package edge.trm.profile;

import edge.trm.InvalidInput;
import edge.trm.bundle.Bundle;
import edge.trm.bundle.GraphVariant;
import edge.trm.engine.Engine;
import edge.trm.engine.Engines;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures a bundle on this machine, one puzzle at a time: every puzzle through all supervision steps of the budget
 * with the time, the halting logit and the verdict of each step; and every puzzle under a halting policy. The same as
 * {@code trm-edge profile} on a desktop; draws nothing, decides nothing. Unrolled and loop graphs show nothing of their
 * steps to a clock, so of them only whole puzzles are timed.
 */
public final class Profiler {
    private static final int MAX_ROUNDS = 1000;
    private static final int MAX_STEPS = 1024;

    private final Bundle bundle;
    private final List<Puzzle> puzzles;
    private Integer threads;
    private String provider;
    private Policy policy;
    private Integer budget;
    private String data;
    private int rounds = 3;
    private int warmup = 1;
    private final Map<String, Object> machine = new LinkedHashMap<String, Object>();

    /** Is told how far a measurement is. */
    public interface Progress {
        /**
         * Called after every puzzle, on the measuring thread.
         *
         * @return whether to go on; false makes {@link Profiler#measure} throw {@link Cancelled}
         */
        boolean onPuzzle(int done, int all);
    }

    /** @param puzzles at least one, of the bundle's task; those whose answer is known are judged by it */
    public Profiler(Bundle bundle, List<Puzzle> puzzles) {
        if (puzzles.isEmpty()) {
            throw new InvalidInput("A profile needs at least one puzzle");
        }
        this.bundle = bundle;
        this.puzzles = puzzles;
        data = puzzles.size() + " puzzles in the app";
    }

    /** Threads for one call; null: the library's own choice. */
    public Profiler threads(Integer threads) {
        this.threads = threads;
        return this;
    }

    /** Name of an execution provider; null: the first that is offered. */
    public Profiler provider(String provider) {
        this.provider = provider;
        return this;
    }

    /** Halting policy and budget; null: the bundle's own. */
    public Profiler halting(Policy policy, Integer budget) {
        this.policy = policy;
        this.budget = budget;
        return this;
    }

    /** Counted rounds over all puzzles, and rounds before that do not count. */
    public Profiler rounds(int rounds, int warmup) {
        if (rounds < 1 || rounds > MAX_ROUNDS || warmup < 0) {
            throw new InvalidInput("rounds must be 1 to " + MAX_ROUNDS + ", not " + rounds);
        }
        this.rounds = rounds;
        this.warmup = warmup;
        return this;
    }

    /** Where the puzzles come from, for people to read: {@code 8 golden puzzles of the bundle}. */
    public Profiler data(String data) {
        this.data = data;
        return this;
    }

    /** A fact about this machine that Java does not know, such as the model of the phone: text, number or boolean. */
    public Profiler fact(String name, Object value) {
        machine.put(name, value);
        return this;
    }

    /**
     * Opens the bundle, measures and closes it. Not for the thread that draws the screen.
     *
     * @param progress may be null
     * @throws Cancelled the progress asked to stop
     */
    public Profile measure(Progress progress) {
        long memory = Memory.resident();
        long began = System.nanoTime();
        Engine engine = Engines.open(bundle, threads, provider);
        try {
            double load = seconds(began);
            Solver solver = new Solver(engine, policy, budget, 1);
            Solver through = new Solver(engine, Policy.never(), Math.min(solver.budget, MAX_STEPS), 1);
            boolean steps = bundle.manifest.graph == GraphVariant.STEP;
            Profile profile = new Profile(bundle, engine, solver, load, data, facts());
            int done = 0;
            int all = (warmup + rounds) * puzzles.size() * (steps ? 2 : 1);
            for (int round = -warmup; round < rounds; round++) {
                List<Profile.Run> runs = new ArrayList<Profile.Run>();
                List<Profile.Solve> solves = new ArrayList<Profile.Solve>();
                for (int number = 0; number < puzzles.size(); number++) {
                    if (steps) {
                        runs.add(run(through, number));
                        report(progress, ++done, all);
                    }
                    solves.add(solve(solver, number));
                    report(progress, ++done, all);
                    if (memory > 0) {
                        profile.sawMemory(Memory.resident() - memory);
                    }
                }
                if (round >= 0) {
                    profile.add(runs, solves);
                }
            }
            return profile;
        } finally {
            engine.close();
        }
    }

    private Profile.Run run(Solver solver, int number) {
        final List<Double> times = new ArrayList<Double>();
        final List<Step> steps = new ArrayList<Step>();
        final long[] last = {System.nanoTime()};
        solver.solve(puzzles.get(number), new StepListener() {
            @Override
            public boolean onStep(Step step) {
                times.add(seconds(last[0]));
                steps.add(step);
                last[0] = System.nanoTime();
                return true;
            }
        });
        List<Float> logits = new ArrayList<Float>();
        List<Boolean> right = new ArrayList<Boolean>();
        for (Step step : steps) {
            logits.add(step.qHalt);
            right.add(isRight(solver.task, puzzles.get(number), solver.task.decode(step.answer)));
        }
        return new Profile.Run(number, times, logits, right);
    }

    private Profile.Solve solve(Solver solver, int number) {
        long began = System.nanoTime();
        Solution solution = solver.solve(puzzles.get(number));
        double took = seconds(began);
        boolean known = puzzles.get(number).answer != null;
        Boolean right = known ? (Boolean) puzzles.get(number).answer.equals(solution.grid) : solution.solved;
        return new Profile.Solve(number, took, solution.steps, right);
    }

    /** By the known answer, else by the rules; null: it cannot be judged. */
    private static Boolean isRight(Task task, Puzzle puzzle, Grid answer) {
        if (puzzle.answer != null) {
            return puzzle.answer.equals(answer);
        }
        return task.hasRules ? (Boolean) (task.check(puzzle.question, answer) == null) : null;
    }

    private static void report(Progress progress, int done, int all) {
        if (progress != null && !progress.onPuzzle(done, all)) {
            throw new Cancelled();
        }
    }

    private Map<String, Object> facts() {
        Map<String, Object> facts = new LinkedHashMap<String, Object>();
        facts.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        facts.put("architecture", System.getProperty("os.arch"));
        facts.put("cores", (long) Runtime.getRuntime().availableProcessors());
        facts.put("vm", System.getProperty("java.vm.name"));
        facts.putAll(machine);
        return facts;
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }
}
