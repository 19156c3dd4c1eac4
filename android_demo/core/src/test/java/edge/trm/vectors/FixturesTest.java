package edge.trm.vectors;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import edge.trm.bundle.Bundle;
import edge.trm.bundle.Format;
import edge.trm.bundle.Golden;
import edge.trm.bundle.Manifest;
import edge.trm.engine.Engine;
import edge.trm.engine.Engines;
import edge.trm.solve.Policy;
import edge.trm.solve.Solution;
import edge.trm.solve.Solver;
import edge.trm.tasks.Puzzle;
import edge.trm.tasks.Task;
import edge.trm.tasks.Tasks;
import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.Before;
import org.junit.Test;

/** Real bundles in the real ONNX Runtime, and damaged ones: what tests/vectors/make.py wrote. */
public class FixturesTest {
    private final File fixtures = Vectors.fixtures();

    @Before
    public void needsFixtures() {
        assumeTrue("TRM_EDGE_FIXTURES names no folder", fixtures != null);
    }

    @Test
    public void runs() throws Exception {
        Vectors vectors = new Vectors(fixtures, "runs.json");
        vectors.section("runs", new Vectors.Case() {
            @Override
            public void replay(Map<String, Object> given) {
                Bundle bundle = open(given);
                Engine engine = Engines.open(bundle, 1, null);
                try {
                    Solver solver = solver(engine, given);
                    List<Puzzle> puzzles = puzzles(solver.task, given);
                    compare(given, solver, solver.solveAll(puzzles));
                    List<Solution> alone = new ArrayList<Solution>();
                    for (Puzzle puzzle : puzzles) {
                        alone.add(solver.solve(puzzle));
                    }
                    compare(given, solver, alone);
                } finally {
                    engine.close();
                    bundle.close();
                }
            }
        });
        vectors.section("refused", new Vectors.Case() {
            @Override
            public void replay(final Map<String, Object> given) throws Exception {
                Vectors.refused(given, new Vectors.Action() {
                    @Override
                    public void run() {
                        Bundle bundle = open(given);
                        Engine engine = null;
                        try {
                            engine = Engines.open(bundle, 1, null);
                            Solver solver = solver(engine, given);
                            solver.solveAll(puzzles(solver.task, given));
                        } finally {
                            if (engine != null) {
                                engine.close();
                            }
                            bundle.close();
                        }
                    }
                });
            }
        });
        vectors.done();
    }

    @Test
    public void hostileBundles() throws Exception {
        File scratch = new File(System.getProperty("java.io.tmpdir"));
        TreeSet<String> before = leftovers(scratch);
        Vectors vectors = new Vectors(fixtures, "hostile.json");
        vectors.section("cases", new Vectors.Case() {
            @Override
            public void replay(final Map<String, Object> given) throws Exception {
                Vectors.refused(given, new Vectors.Action() {
                    @Override
                    public void run() {
                        Bundle.open(new File(fixtures, (String) given.get("path"))).close();
                    }
                });
            }
        });
        vectors.section("accepted", new Vectors.Case() {
            @Override
            public void replay(Map<String, Object> given) {
                Bundle bundle = Bundle.open(new File(fixtures, (String) given.get("path")));
                try {
                    assertTrue(bundle.modelFile().isFile());
                } finally {
                    bundle.close();
                }
            }
        });
        vectors.done();
        assertEquals("what was unpacked is gone", before, leftovers(scratch));
    }

    /** What the float model answered, on this machine: answers, halting steps and logits of every bundle. */
    @Test
    public void goldenVectorsOfEveryBundle() throws Exception {
        int replayed = 0;
        for (File path : new File(fixtures, "bundles").listFiles()) {
            boolean broken = Arrays.asList("nan", "no-graph", "loop-as-step", "fp16-as-fp32").contains(path.getName());
            if (broken || Bundle.readManifest(path).format != Format.ONNX) {
                continue;
            }
            Bundle bundle = Bundle.open(path);
            if (bundle.manifest.files.containsKey(Manifest.GOLDEN)) {
                replay(bundle);
                replayed++;
            }
            bundle.close();
        }
        assertTrue("only " + replayed + " bundles", replayed >= 8);
    }

    private static void replay(Bundle bundle) {
        Golden golden = bundle.golden();
        Engine engine = Engines.open(bundle, 1, null);
        try {
            Solver solver = new Solver(engine, Policy.of(bundle.manifest.halting), golden.qHalt.length, 4);
            List<Puzzle> puzzles = new ArrayList<Puzzle>();
            for (int i = 0; i < golden.size(); i++) {
                puzzles.add(new Puzzle(solver.task.decode(golden.tokens[i]), null, golden.puzzleIds[i]));
            }
            List<Solution> solutions = solver.solveAll(puzzles);
            List<String> wrong = new ArrayList<String>();
            for (int i = 0; i < golden.size(); i++) {
                Solution solution = solutions.get(i);
                boolean same = Arrays.equals(golden.answers[i], solution.answer)
                        && golden.haltingSteps[i] == solution.steps;
                float expected = golden.qHalt[golden.haltingSteps[i] - 1][i];
                if (same && bundle.manifest.precision.id().equals("fp32")) {
                    assertEquals(bundle.path, expected, solution.qHalt, 1e-3);
                }
                if (!same) {
                    wrong.add("puzzle " + i + " after " + solution.steps + " steps, not " + golden.haltingSteps[i]);
                }
            }
            int forgiven = bundle.manifest.precision.id().equals("fp32") ? 0 : Math.max(1, golden.size() / 4);
            assertTrue(bundle.path + ": " + wrong, wrong.size() <= forgiven);
        } finally {
            engine.close();
        }
    }

    private Bundle open(Map<String, Object> given) {
        return Bundle.open(new File(new File(fixtures, "bundles"), (String) given.get("bundle")));
    }

    private static Solver solver(Engine engine, Map<String, Object> given) {
        String policy = (String) given.get("policy");
        Long budget = (Long) given.get("budget");
        Long batch = (Long) given.get("batch");
        return new Solver(
                engine,
                policy == null ? null : Policy.parse(policy),
                budget == null ? null : (Integer) budget.intValue(),
                batch == null ? Solver.DEFAULT_BATCH : batch.intValue());
    }

    private static List<Puzzle> puzzles(Task task, Map<String, Object> given) {
        List<Puzzle> puzzles = new ArrayList<Puzzle>();
        for (Object item : Vectors.list(given.get("puzzles"))) {
            Map<String, Object> one = Vectors.object(item);
            int id = ((Long) one.get("puzzle_id")).intValue();
            puzzles.add(new Puzzle(task.parse((String) one.get("question")).question, null, id));
        }
        return puzzles;
    }

    private static void compare(Map<String, Object> given, Solver solver, List<Solution> solutions) {
        List<?> expected = Vectors.list(given.get("expect"));
        Number tolerance = (Number) given.get("q_halt_tolerance");
        assertEquals(expected.size(), solutions.size());
        List<String> wrong = new ArrayList<String>();
        for (int i = 0; i < expected.size(); i++) {
            Map<String, Object> expect = Vectors.object(expected.get(i));
            Solution solution = solutions.get(i);
            String found = Arrays.toString(solution.answer) + " " + solution.steps + " " + solution.halted + " "
                    + solution.solved;
            String wanted = expect.get("tokens") + " " + expect.get("steps") + " " + expect.get("halted") + " "
                    + expect.get("solved");
            boolean same = found.equals(wanted)
                    && (solution.grid.size() == 0
                            || !(expect.get("answer") instanceof String)
                            || solver.task.format(solution.grid).equals(expect.get("answer")));
            double away = Math.abs(((Number) expect.get("q_halt")).doubleValue() - solution.qHalt);
            if (!same) {
                wrong.add("puzzle " + i + ": " + found + " instead of " + wanted);
            } else if (tolerance != null && away > tolerance.doubleValue()) {
                throw new AssertionError("puzzle " + i + ": q_halt is " + away + " away");
            }
        }
        if (wrong.size() > ((Long) given.get("forgive")).intValue()) {
            throw new AssertionError(wrong.toString());
        }
    }

    private static TreeSet<String> leftovers(File scratch) {
        TreeSet<String> names = new TreeSet<String>();
        for (String name : scratch.list()) {
            if (name.startsWith("trm-edge-")) {
                names.add(name);
            }
        }
        return names;
    }
}
