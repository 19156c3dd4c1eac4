package edge.trm.app;

import edge.trm.tasks.Grid;
import edge.trm.tasks.MazeTask;
import edge.trm.tasks.SudokuTask;
import edge.trm.tasks.Task;
import java.util.Arrays;

/** Puzzles to begin with. */
final class Blanks {
    private Blanks() { }

    /**
     * An empty puzzle.
     *
     * @param like a grid whose size it has where the task leaves that open (ARC); null: as large as it may be
     */
    static Grid grid(Task task, Grid like) {
        if (task instanceof SudokuTask) {
            int side = ((SudokuTask) task).side;
            return Grid.of(side, side, new int[side * side]);
        }
        if (task instanceof MazeTask) {
            return maze((MazeTask) task);
        }
        int side = (int) Math.sqrt(task.seqLen);
        int rows = like == null ? side : Math.max(1, like.rows);
        int columns = like == null ? side : Math.max(1, like.columns);
        return Grid.of(rows, columns, new int[rows * columns]);
    }

    /** Floor with start and goal in opposite corners. */
    private static Grid maze(MazeTask task) {
        int[] cells = new int[task.seqLen];
        Arrays.fill(cells, MazeTask.FLOOR);
        cells[0] = MazeTask.START;
        cells[cells.length - 1] = MazeTask.GOAL;
        return Grid.of(task.rows, task.columns, cells);
    }
}
