package edge.trm.solve;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import edge.trm.InvalidInput;
import edge.trm.bundle.InvalidBundle;
import edge.trm.bundle.Manifests;
import edge.trm.engine.FakeEngine;
import edge.trm.tasks.Grid;
import edge.trm.tasks.Puzzle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.Before;
import org.junit.Test;

/** The loop over steps, with an engine whose answers are known. */
public class SolverTest {
    private FakeEngine engine;

    @Before
    public void open() throws Exception {
        engine = new FakeEngine(Manifests.base());
    }

    /** A puzzle that halts at that step, 1 to 4. */
    private static Puzzle halting(int step) {
        return new Puzzle(Grid.of(4, 4, new int[16]).with(0, 0, step), null, 3);
    }

    private static List<Integer> steps(List<Solution> solutions) {
        List<Integer> steps = new ArrayList<Integer>();
        for (Solution solution : solutions) {
            steps.add(solution.steps);
        }
        return steps;
    }

    @Test
    public void rowsThatHaltMakeRoomAndOrderIsKept() {
        List<Puzzle> puzzles = new ArrayList<Puzzle>();
        for (int step : new int[] {4, 1, 2, 1, 3, 1}) {
            puzzles.add(halting(step));
        }
        List<Solution> solutions = new Solver(engine, Policy.act(0, 1), 4, 3).solveAll(puzzles);
        assertEquals(Arrays.asList(4, 1, 2, 1, 3, 1), steps(solutions));
        assertEquals("never more than three, dense to the end", Arrays.asList(3, 3, 3, 2, 1), engine.widths);
        for (int i = 0; i < puzzles.size(); i++) {
            assertTrue(solutions.get(i).puzzle == puzzles.get(i));
            assertTrue(solutions.get(i).halted);
            assertEquals(Math.min(5, solutions.get(i).steps + 1), solutions.get(i).answer[7]);
        }
    }

    @Test
    public void theBudgetEndsAPuzzle() {
        Solution solution = new Solver(engine, "act", 2).solve(halting(4));
        assertEquals(2, solution.steps);
        assertFalse(solution.halted);
        assertEquals(-1.5, solution.qHalt, 0);
        assertEquals(Boolean.FALSE, solution.solved);
        assertNull(solution.trace);
    }

    @Test
    public void listenersSeeEveryStepAndWhatChanged() {
        final List<Step> seen = new ArrayList<Step>();
        Solution solution = new Solver(engine, "fixed", 5).solve(halting(2), new StepListener() {
            @Override
            public boolean onStep(Step step) {
                seen.add(step);
                return true;
            }
        });
        assertEquals(5, seen.size());
        assertTrue("blank to digit", seen.get(0).changed[3]);
        assertTrue(seen.get(1).changed[0]);
        assertFalse("the fifth answer is the fourth", seen.get(4).changed[0]);
        assertTrue(seen.get(4).last);
        assertFalse(seen.get(3).last);
        assertEquals(5, seen.get(4).step);
        assertArrayEquals(solution.answer, seen.get(4).answer);
        assertEquals(1 / (1 + Math.exp(0.5)), seen.get(0).probability(), 1e-9);
    }

    @Test
    public void listenersCanStop() {
        try {
            new Solver(engine, "fixed", 9).solve(halting(1), new StepListener() {
                @Override
                public boolean onStep(Step step) {
                    return step.step < 3;
                }
            });
            fail("was not stopped");
        } catch (Cancelled expected) {
            assertEquals(3, engine.widths.size());
        }
    }

    @Test
    public void puzzlesAreReadAsRowsBecomeFree() {
        final int[] read = {0};
        Iterator<Puzzle> endless = new Iterator<Puzzle>() {
            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public Puzzle next() {
                read[0]++;
                return halting(1);
            }
        };
        Iterator<Solution> solutions = new Solver(engine, Policy.act(0, 1), 4, 2).solveMany(endless, true, null);
        assertEquals(1, solutions.next().trace.answers.length);
        assertEquals("no more than the batch before they are asked for", 2, read[0]);
        assertTrue(solutions.hasNext());
    }

    @Test
    public void nothingInNothingOut() {
        Iterator<Solution> none = new Solver(engine).solveMany(new ArrayList<Puzzle>().iterator(), false, null);
        assertFalse(none.hasNext());
        try {
            none.next();
            fail("gave one");
        } catch (NoSuchElementException expected) {
            assertTrue(engine.widths.isEmpty());
        }
    }

    @Test
    public void badInputIsOneLine() {
        try {
            new Solver(engine).solve(new Puzzle(Grid.of(4, 4, new int[16]), null, 5));
            fail("was solved");
        } catch (InvalidInput error) {
            assertEquals("Puzzle id 5 is not in this bundle. Kept: 3, 7. Export it again with that id.",
                    error.getMessage());
        }
        try {
            new Solver(engine, (Policy) null, null, 0);
            fail("took a batch of none");
        } catch (InvalidInput error) {
            assertEquals("batch size must be at least 1, not 0", error.getMessage());
        }
        engine.answerNan();
        try {
            new Solver(engine).solve(halting(1));
            fail("took NaN for a logit");
        } catch (InvalidBundle error) {
            assertTrue(error.getMessage().startsWith("The graph answered NaN in 'q_halt'"));
        }
        engine.close();
        try {
            new Solver(engine).solve(halting(1));
            fail("ran closed");
        } catch (InvalidInput error) {
            assertTrue(error.getMessage().contains("closed"));
        }
    }

    @Test
    public void theBundlesOwnPolicyTakesItsThreshold() {
        assertEquals("act", Policy.of(engine.manifest.halting).toString());
        assertEquals("act:threshold=0.5,min=2", Policy.of(
                new edge.trm.bundle.Halting("act", 0.5, 2, 4)).toString());
        assertEquals("stable:2", Policy.of(new edge.trm.bundle.Halting("stable:2", 0.5, 2, 4)).toString());
    }
}
