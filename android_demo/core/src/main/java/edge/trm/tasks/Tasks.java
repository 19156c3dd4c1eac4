package edge.trm.tasks;

import edge.trm.InvalidInput;
import edge.trm.text.Unknown;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** The tasks by id. */
public final class Tasks {
    private static final List<String> EXAMPLES = Collections.unmodifiableList(Arrays.asList(
            "sudoku-4x4", "sudoku-6x6", "sudoku-9x9", "sudoku-16x16", "maze-10x10", "maze-30x30", "arc-10x10",
            "arc-30x30"));

    private Tasks() {}

    /** Ids of every family at its usual sizes; {@link #get} takes other sizes, too. */
    public static List<String> ids() {
        return EXAMPLES;
    }

    /**
     * The task of an id such as {@code sudoku-9x9}, {@code maze-12x20} or {@code arc-30x30}.
     *
     * @throws InvalidInput no such family, a malformed size, or a size that the family does not have
     */
    public static Task get(String id) {
        int dash = id.indexOf('-');
        String family = dash < 0 ? id : id.substring(0, dash);
        if (family.equals("sudoku")) {
            return SudokuTask.fromId(id);
        }
        if (family.equals("maze")) {
            return MazeTask.fromId(id);
        }
        if (family.equals("arc")) {
            return ArcTask.fromId(id);
        }
        throw new InvalidInput(Unknown.name("task", id, EXAMPLES));
    }
}
