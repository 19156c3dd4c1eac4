package edge.trm.profile;

import edge.trm.Version;
import edge.trm.bundle.Bundle;
import edge.trm.bundle.Manifest;
import edge.trm.engine.Engine;
import edge.trm.json.Json;
import edge.trm.solve.Solver;
import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;

/**
 * What was measured of one bundle: the figures of a screen, and the file that {@code trm-edge profile --import} reads.
 */
public final class Profile {
    private final Manifest manifest;
    private final Map<String, Object> side = new LinkedHashMap<String, Object>();
    private final String date = now();
    private final String data;
    private final String runtime;
    private final String policy;
    private final int budget;
    private final List<List<Run>> runs = new ArrayList<List<Run>>();
    private final List<List<Solve>> whole = new ArrayList<List<Solve>>();
    private long memory;

    Profile(
            Bundle bundle, Engine engine, Solver solver, double loadSeconds, String data, Map<String, Object> machine) {
        this.data = data;
        manifest = bundle.manifest;
        runtime = engine.runtime();
        policy = solver.policy.toString();
        budget = solver.budget;
        side.put("name", manifest.name);
        side.put("task", manifest.task);
        side.put("format", manifest.format.id());
        side.put("graph", manifest.graph.id());
        side.put("precision", manifest.precision.id());
        side.put("target", manifest.target);
        side.put("evidence", manifest.evidence.id());
        side.put("runtime", runtime.replaceAll(" .*", ""));
        side.put("provider", engine.provider());
        side.put("threads", engine.threads());
        side.put("batch", 1);
        side.put("load_seconds", Collections.singletonList(loadSeconds));
        side.put("cold_seconds", Collections.emptyList());
        side.put("reference_seconds", Collections.emptyList());
        side.put("peak_bytes", null);
        side.put("file_bytes", bundle.modelFile().length());
        side.put("energy_joules", null);
        side.put("machine", machine);
    }

    void add(List<Run> run, List<Solve> solves) {
        if (!run.isEmpty()) {
            runs.add(run);
        }
        whole.add(solves);
    }

    void sawMemory(long bytes) {
        memory = Math.max(memory, bytes);
    }

    // -- figures -----------------------------------------------------------------------------

    /**
     * Seconds that a share of the supervision steps stays below: 0.5 is the median. NaN for unrolled and loop graphs,
     * whose steps cannot be timed.
     */
    public double stepSeconds(double share) {
        List<Double> times = new ArrayList<Double>();
        for (List<Run> round : runs) {
            for (Run run : round) {
                times.addAll(run.seconds);
            }
        }
        return percentile(times, share);
    }

    /** Seconds from puzzle to answer that a share of the puzzles stays below. */
    public double puzzleSeconds(double share) {
        List<Double> times = new ArrayList<Double>();
        for (List<Solve> round : whole) {
            for (Solve solve : round) {
                times.add(solve.seconds);
            }
        }
        return percentile(times, share);
    }

    /** Mean supervision steps of a puzzle. */
    public double meanSteps() {
        double sum = 0;
        for (Solve solve : whole.get(0)) {
            sum += solve.steps;
        }
        return sum / whole.get(0).size();
    }

    /** Right answers of {@link #puzzles}; those that cannot be judged do not count. */
    public int right() {
        int right = 0;
        for (Solve solve : whole.get(0)) {
            right += Boolean.TRUE.equals(solve.right) ? 1 : 0;
        }
        return right;
    }

    /** Number of puzzles. */
    public int puzzles() {
        return whole.get(0).size();
    }

    /** By how much this process's memory had grown at most since before the bundle was opened; 0: not known. */
    public long memoryBytes() {
        return memory;
    }

    /** The halting policy that whole puzzles were solved under. */
    public String policy() {
        return policy;
    }

    /** A value between those beside it, as numpy has it. */
    static double percentile(List<Double> values, double share) {
        if (values.isEmpty()) {
            return Double.NaN;
        }
        double[] sorted = new double[values.size()];
        for (int i = 0; i < sorted.length; i++) {
            sorted[i] = values.get(i);
        }
        Arrays.sort(sorted);
        double at = share * (sorted.length - 1);
        int below = (int) Math.floor(at);
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }

    // -- the file ----------------------------------------------------------------------------

    /** The document that {@code trm-edge profile --import} reads; docs/apps.md has its fields. */
    public String toJson() {
        Map<String, Object> versions = new LinkedHashMap<String, Object>();
        versions.put("trm-edge", Version.VERSION);
        int space = runtime.indexOf(' ');
        if (space > 0) {
            versions.put(runtime.substring(0, space), runtime.substring(space + 1));
        }
        Map<String, Object> measured = new LinkedHashMap<String, Object>(side);
        measured.put("resident_bytes", memory > 0 ? memory : null);
        measured.put("runs", documents(runs));
        Map<String, Object> one = new LinkedHashMap<String, Object>();
        one.put("policy", policy);
        one.put("budget", budget);
        one.put("rounds", documents(whole));
        measured.put("whole", Collections.singletonList(one));
        Map<String, Object> document = new LinkedHashMap<String, Object>();
        document.put("kind", "trm-edge profile");
        document.put("schema_version", 1);
        document.put("task", manifest.task);
        document.put("data", data);
        document.put("date", date);
        document.put("versions", versions);
        document.put("remarks", Collections.singletonList("Memory and load time are those of the app's own process,"
                + " which had run before: not of a fresh one."));
        document.put("operators", Collections.emptyMap());
        document.put("sides", Collections.singletonList(measured));
        return Json.write(document) + "\n";
    }

    private static String now() {
        SimpleDateFormat day = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'+00:00'", Locale.ROOT);
        day.setTimeZone(TimeZone.getTimeZone("UTC"));
        return day.format(new Date());
    }

    private static <T extends Item> List<Object> documents(List<List<T>> rounds) {
        List<Object> all = new ArrayList<Object>();
        for (List<T> round : rounds) {
            List<Object> items = new ArrayList<Object>();
            for (T item : round) {
                items.add(item.document());
            }
            all.add(items);
        }
        return all;
    }

    /** Something that the file has a line for. */
    interface Item {
        Map<String, Object> document();
    }

    /** One puzzle through all supervision steps. */
    static final class Run implements Item {
        private final int puzzle;
        private final List<Double> seconds;
        private final List<Float> logits;
        private final List<Boolean> right;

        Run(int puzzle, List<Double> seconds, List<Float> logits, List<Boolean> right) {
            this.puzzle = puzzle;
            this.seconds = seconds;
            this.logits = logits;
            this.right = right;
        }

        @Override
        public Map<String, Object> document() {
            Map<String, Object> document = new LinkedHashMap<String, Object>();
            document.put("puzzle", puzzle);
            document.put("step_seconds", seconds);
            document.put("q_halt", logits);
            document.put("right", right);
            return document;
        }
    }

    /** One puzzle solved under a halting policy. */
    static final class Solve implements Item {
        private final int puzzle;
        private final double seconds;
        private final int steps;
        private final Boolean right;

        Solve(int puzzle, double seconds, int steps, Boolean right) {
            this.puzzle = puzzle;
            this.seconds = seconds;
            this.steps = steps;
            this.right = right;
        }

        @Override
        public Map<String, Object> document() {
            Map<String, Object> document = new LinkedHashMap<String, Object>();
            document.put("puzzle", puzzle);
            document.put("seconds", seconds);
            document.put("steps", steps);
            document.put("right", right);
            return document;
        }
    }
}
