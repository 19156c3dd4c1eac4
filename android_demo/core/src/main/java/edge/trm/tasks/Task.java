package edge.trm.tasks;

/**
 * What a task is: a codec between puzzles and tokens, and the rules of the puzzle. Knows nothing about models, engines
 * or files. Token values are those of the official data sets, so that a model trained there reads what is encoded.
 * Instances are shared and do not change.
 */
public abstract class Task {
    /** {@code sudoku}, {@code maze} or {@code arc}. */
    public final String family;
    /** {@code sudoku-9x9}, {@code maze-30x30} ... */
    public final String id;
    /** Tokens of one puzzle. */
    public final int seqLen;
    public final int vocabSize;
    /** Whether {@link #check} can tell a right answer from a wrong one. */
    public final boolean hasRules;

    Task(String family, String id, int seqLen, int vocabSize, boolean hasRules) {
        this.family = family;
        this.id = id;
        this.seqLen = seqLen;
        this.vocabSize = vocabSize;
        this.hasRules = hasRules;
    }

    /**
     * Reads one puzzle from a line or a grid of several lines.
     *
     * @throws InvalidPuzzle wrong length, illegal character, contradiction, ragged grid
     */
    public abstract Puzzle parse(String text);

    /** The grid as one canonical line, which {@link #parse} gives back. */
    public abstract String format(Grid grid);

    /**
     * Grid to tokens [seqLen].
     *
     * @throws InvalidPuzzle the grid has another size, or values that the task does not have
     */
    public abstract int[] encode(Grid grid);

    /** Tokens [seqLen] to grid. Never fails on a model's output: what is no symbol becomes a blank. */
    public abstract Grid decode(int[] tokens);

    /**
     * Null if {@code answer} solves {@code question} by the rules, else the first violation in one line.
     *
     * @throws InvalidPuzzle a grid of another size, or values that the task does not have
     */
    public abstract String check(Grid question, Grid answer);

    /** {@link #check} on tokens [seqLen], fast: it may run after every step. False for a task without rules. */
    public abstract boolean solved(int[] question, int[] answer);

    @Override
    public String toString() {
        return id;
    }
}
