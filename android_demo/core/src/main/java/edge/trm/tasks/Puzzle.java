package edge.trm.tasks;

/** One puzzle, with its answer where it is known. */
public final class Puzzle {
    /** The grid as given. */
    public final Grid question;
    /** The solved grid, or null. */
    public final Grid answer;
    /** Original id of the model's puzzle embedding (ARC), 0 elsewhere. */
    public final int puzzleId;

    public Puzzle(Grid question) {
        this(question, null, 0);
    }

    public Puzzle(Grid question, Grid answer, int puzzleId) {
        this.question = question;
        this.answer = answer;
        this.puzzleId = puzzleId;
    }
}
