package edge.trm.solve;

import edge.trm.engine.DType;
import edge.trm.engine.Engine;
import edge.trm.engine.Tensor;
import edge.trm.tasks.Puzzle;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rows that are worked on together: the live ones come first. Keeps the tokens and puzzle rows that the graph
 * takes; rows that are not live may be computed where the batch size is fixed.
 */
final class Batch {
    final List<Row> rows = new ArrayList<Row>();

    private final Solver solver;
    private final Iterator<Puzzle> puzzles;
    private final boolean trace;
    private final Tensor tokens;
    private final Tensor puzzleIds;
    private int started;

    /**
     * @param capacity most rows
     * @param number of the first puzzle
     */
    Batch(Solver solver, Iterator<Puzzle> puzzles, int capacity, boolean trace, int number) {
        Engine engine = solver.engine;
        this.solver = solver;
        this.puzzles = puzzles;
        this.trace = trace;
        started = number;
        Integer fixed = engine.manifest.fixedBatch();
        int most = fixed == null ? capacity : fixed;
        tokens = Tensor.zeros(DType.INT32, most, engine.manifest.seqLen);
        puzzleIds = Tensor.zeros(DType.INT32, most);
    }

    /** Loads puzzles behind the live rows, up to {@code count} rows in all. */
    void fill(int count) {
        while (rows.size() < count && puzzles.hasNext()) {
            rows.add(null);
            load(rows.size() - 1);
        }
    }

    /** Whether another puzzle waits. */
    boolean hasMore() {
        return puzzles.hasNext();
    }

    /** Starts the next puzzle in a row. */
    void load(int row) {
        Puzzle puzzle = puzzles.next();
        int puzzleRow = solver.engine.puzzleRow(puzzle.puzzleId);
        Row loaded = new Row(solver.task, solver.policy, solver.budget, puzzle, started, trace);
        started++;
        rows.set(row, loaded);
        puzzleIds.set(row, puzzleRow);
        for (int i = 0; i < loaded.question.length; i++) {
            tokens.set(row * loaded.question.length + i, loaded.question[i]);
        }
    }

    /** Ends a row by moving the last live row into its place; returns where that one was. */
    int drop(int row) {
        int last = rows.size() - 1;
        Row moved = rows.remove(last);
        if (row != last) {
            rows.set(row, moved);
            tokens.copyRow(row, tokens, last);
            puzzleIds.copyRow(row, puzzleIds, last);
        }
        return last;
    }

    /** Rows of the next call of the graph. */
    int width() {
        Integer fixed = solver.engine.manifest.fixedBatch();
        return fixed == null ? rows.size() : fixed;
    }

    /** What the graph takes, carry aside. */
    Map<String, Tensor> inputs() {
        Map<String, Tensor> inputs = new LinkedHashMap<String, Tensor>();
        inputs.put("tokens", tokens.rows(width()));
        if (solver.engine.manifest.takesPuzzleIds()) {
            inputs.put("puzzle_ids", puzzleIds.rows(width()));
        }
        return inputs;
    }

    /** The largest logit of every position of a row: the first of equals. */
    int[] answer(Tensor logits, int row) {
        int length = solver.engine.manifest.seqLen;
        int values = solver.engine.manifest.vocabSize;
        FloatBuffer numbers = logits.buffer().asFloatBuffer();
        int[] answer = new int[length];
        int at = row * length * values;
        for (int i = 0; i < length; i++) {
            float best = numbers.get(at);
            for (int value = 0; value < values; value++, at++) {
                if (numbers.get(at) > best) {
                    best = numbers.get(at);
                    answer[i] = value;
                }
            }
        }
        return answer;
    }
}
