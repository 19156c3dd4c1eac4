package edge.trm.bundle;

import edge.trm.text.Show;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/**
 * Golden vectors: what the float model answered, so that an engine can prove itself on the device. Knows arrays and
 * JSON; does not know how to run anything.
 */
public final class Golden {
    /** Puzzles [n][seqLen]. */
    public final int[][] tokens;
    /** Original puzzle ids, not rows [n]. */
    public final int[] puzzleIds;
    /** Answers at the halting step of the bundle's default policy [n][seqLen]. */
    public final int[][] answers;
    /** Answers after the last step [n][seqLen]. */
    public final int[][] lastAnswers;
    /** The halting step, counted from 1 [n]. */
    public final int[] haltingSteps;
    /** Halting logits after every step [steps][n]. */
    public final float[][] qHalt;

    private Golden(Fields data) {
        Array tokens = new Array(data, "tokens", true);
        Array puzzleIds = new Array(data, "puzzle_ids", true);
        Array answers = new Array(data, "answers", true);
        Array lastAnswers = new Array(data, "last_answers", true);
        Array haltingSteps = new Array(data, "halting_steps", true);
        Array qHalt = new Array(data, "q_halt", false);
        tokens.demand("[n, seq_len]", 2);
        qHalt.demand("[steps, n]", 2);
        int n = tokens.shape[0];
        int length = tokens.shape[1];
        int steps = qHalt.shape[0];
        this.tokens = tokens.rows();
        this.puzzleIds = puzzleIds.of(n).whole(0, n);
        this.answers = answers.of(n, length).rows();
        this.lastAnswers = lastAnswers.of(n, length).rows();
        this.haltingSteps = haltingSteps.of(n).whole(0, n);
        this.qHalt = qHalt.of(steps, n).floats();
        for (int step : this.haltingSteps) {
            if (step < 1 || step > steps) {
                throw new InvalidBundle(Manifest.GOLDEN + ": 'halting_steps' must lie in 1.." + steps);
            }
        }
    }

    /**
     * Reads and validates.
     *
     * @throws InvalidBundle naming the field that is missing, ragged, mistyped or out of range
     */
    public static Golden fromJson(String text) {
        return new Golden(new Fields(Fields.parse(text, Manifest.GOLDEN), Manifest.GOLDEN, ""));
    }

    /** Number of puzzles. */
    public int size() {
        return tokens.length;
    }

    /**
     * Checks that the vectors belong to a model of this manifest.
     *
     * @throws InvalidBundle for another sequence length, tokens outside the vocabulary, puzzle ids that were not kept
     */
    public void check(Manifest manifest) {
        if (tokens[0].length != manifest.seqLen) {
            throw new InvalidBundle(Manifest.GOLDEN + ": " + tokens[0].length
                    + " tokens a puzzle, the manifest says " + manifest.seqLen);
        }
        demandTokens("tokens", tokens, manifest);
        demandTokens("answers", answers, manifest);
        demandTokens("last_answers", lastAnswers, manifest);
        TreeSet<Integer> strangers = new TreeSet<Integer>();
        for (int id : puzzleIds) {
            strangers.add(id);
        }
        strangers.removeAll(manifest.puzzles);
        if (!manifest.puzzles.isEmpty() && !strangers.isEmpty()) {
            throw new InvalidBundle(Manifest.GOLDEN + ": puzzle id " + strangers.first()
                    + " is not among the kept puzzles of the manifest");
        }
    }

    private static void demandTokens(String name, int[][] rows, Manifest manifest) {
        for (int[] row : rows) {
            for (int token : row) {
                if (token < 0 || token >= manifest.vocabSize) {
                    throw new InvalidBundle(
                            Manifest.GOLDEN + ": '" + name + "' must lie in 0.." + (manifest.vocabSize - 1));
                }
            }
        }
    }

    /** A field as a rectangular array of numbers. */
    private static final class Array {
        private static final int MAX_RANK = 8;

        final int[] shape;

        private final String name;
        private final double[] values;

        Array(Fields data, String name, boolean whole) {
            this.name = name;
            List<Integer> sizes = new ArrayList<Integer>();
            Object first = data.array(name);
            long size = 1;
            while (first instanceof List) {
                int length = ((List<?>) first).size();
                sizes.add(length);
                size *= length;
                if (sizes.size() > MAX_RANK || size > Integer.MAX_VALUE) {
                    throw data.refusal(name, "a rectangular array");
                }
                first = length > 0 ? ((List<?>) first).get(0) : null;
            }
            shape = new int[sizes.size()];
            for (int i = 0; i < shape.length; i++) {
                shape[i] = sizes.get(i);
            }
            if (!isRectangular(data.raw(name), 0)) {
                throw data.refusal(name, "a rectangular array");
            }
            values = new double[(int) size];
            boolean fits = fill(data.raw(name), 0, whole) == values.length && !(whole && size == 0);
            if (!fits) {
                throw data.refusal(name, whole ? "an array of whole numbers >= 0" : "an array of float32 numbers");
            }
        }

        private boolean isRectangular(Object value, int depth) {
            if (!(value instanceof List)) {
                return depth == shape.length;
            }
            if (depth == shape.length || ((List<?>) value).size() != shape[depth]) {
                return false;
            }
            for (Object item : (List<?>) value) {
                if (!isRectangular(item, depth + 1)) {
                    return false;
                }
            }
            return true;
        }

        /** Returns where the next value goes, or -1 if one is not as promised. */
        private int fill(Object value, int at, boolean whole) {
            if (value instanceof List) {
                int next = at;
                for (Object item : (List<?>) value) {
                    next = fill(item, next, whole);
                    if (next < 0) {
                        return -1;
                    }
                }
                return next;
            }
            boolean fits = whole
                    ? value instanceof Long && (Long) value >= 0 && (Long) value <= Integer.MAX_VALUE
                    : (value instanceof Long || value instanceof Double)
                            && Math.abs(((Number) value).doubleValue()) <= Float.MAX_VALUE;
            if (!fits) {
                return -1;
            }
            values[at] = ((Number) value).doubleValue();
            return at + 1;
        }

        void demand(String words, int rank) {
            if (shape.length != rank || values.length == 0) {
                throw wrong(words);
            }
        }

        Array of(int... wanted) {
            if (!Arrays.equals(shape, wanted)) {
                throw wrong(Show.list(wanted));
            }
            return this;
        }

        int[][] rows() {
            int[][] rows = new int[shape[0]][];
            for (int row = 0; row < rows.length; row++) {
                rows[row] = whole(row * shape[1], shape[1]);
            }
            return rows;
        }

        int[] whole(int from, int count) {
            int[] numbers = new int[count];
            for (int i = 0; i < count; i++) {
                numbers[i] = (int) values[from + i];
            }
            return numbers;
        }

        float[][] floats() {
            float[][] rows = new float[shape[0]][shape[1]];
            for (int i = 0; i < values.length; i++) {
                rows[i / shape[1]][i % shape[1]] = (float) values[i];
            }
            return rows;
        }

        private InvalidBundle wrong(String words) {
            return new InvalidBundle(
                    Manifest.GOLDEN + ": '" + name + "' must have shape " + words + ", not " + Show.list(shape));
        }
    }
}
