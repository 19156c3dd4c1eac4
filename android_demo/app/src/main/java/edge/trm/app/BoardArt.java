package edge.trm.app;

import android.content.Context;
import edge.trm.tasks.Grid;
import edge.trm.tasks.MazeTask;
import edge.trm.tasks.SudokuTask;
import edge.trm.tasks.Task;

/** Turns a grid of a task into a {@link Board}: colours, digits, words. Knows the three families; knows no view. */
final class BoardArt {
    /** The palette of the ARC website, and an ink that can be read on each colour. */
    private static final int[] ARC_FILLS = {
        0xff000000, 0xff0074d9, 0xffff4136, 0xff2ecc40, 0xffffdc00, 0xffaaaaaa, 0xfff012be, 0xffff851b, 0xff7fdbff,
        0xff870c25,
    };
    private static final int WHITE = 0xffffffff;
    private static final int BLACK = 0xff000000;

    private BoardArt() { }

    static int arcFill(int colour) {
        return ARC_FILLS[colour];
    }

    static int arcInk(int colour) {
        return colour == 0 || colour == 1 || colour == 9 ? WHITE : BLACK;
    }

    /**
     * @param question the puzzle; its givens stand out
     * @param shown what is drawn: the question itself, or an answer to it
     * @param before the answer one step earlier, or null: cells that differ from it are marked
     */
    static Board draw(Context context, Task task, Grid question, Grid shown, Grid before) {
        SudokuTask sudoku = task instanceof SudokuTask ? (SudokuTask) task : null;
        Board board = new Board(Math.max(1, shown.rows), Math.max(1, shown.columns),
                sudoku == null ? 0 : sudoku.boxRows, sudoku == null ? 0 : sudoku.boxColumns);
        for (int row = 0; row < shown.rows; row++) {
            for (int column = 0; column < shown.columns; column++) {
                Board.Cell cell = board.cells[row * shown.columns + column];
                int value = shown.get(row, column);
                if (sudoku != null) {
                    boolean wrong = isWrong(sudoku, question, shown, row, column);
                    digit(context, cell, value, question.get(row, column), wrong);
                } else if (task instanceof MazeTask) {
                    maze(context, cell, value);
                } else {
                    cell.fill = arcFill(value);
                    cell.ink = arcInk(value);
                    cell.spoken = context.getString(R.string.cell_colour, value);
                }
                boolean isNew = before != null && (row >= before.rows || column >= before.columns);
                cell.changed = before != null && (isNew || before.get(row, column) != value);
            }
        }
        return board;
    }

    private static void digit(Context context, Board.Cell cell, int value, int given, boolean wrong) {
        String symbol = SudokuTask.symbol(value);
        cell.text = value == 0 ? "" : symbol;
        cell.bold = given != 0;
        cell.ink = context.getColor(wrong ? R.color.wrong : given != 0 ? R.color.ink : R.color.answer);
        cell.fill = wrong ? context.getColor(R.color.wrong_fill) : 0;
        String spoken = value == 0 ? context.getString(R.string.cell_blank) : symbol;
        spoken = given != 0 ? context.getString(R.string.cell_given, spoken) : spoken;
        cell.spoken = wrong ? context.getString(R.string.cell_wrong, spoken) : spoken;
    }

    private static void maze(Context context, Board.Cell cell, int value) {
        switch (value) {
            case MazeTask.WALL:
                look(context, cell, "", R.color.wall, R.color.wall, R.string.cell_wall);
                break;
            case MazeTask.START:
                look(context, cell, "S", R.color.start_fill, 0, R.string.cell_start);
                break;
            case MazeTask.GOAL:
                look(context, cell, "G", R.color.goal_fill, 0, R.string.cell_goal);
                break;
            case MazeTask.PATH:
                look(context, cell, "o", R.color.path_fill, R.color.path_ink, R.string.cell_path);
                break;
            default:
                cell.spoken = context.getString(R.string.cell_floor);
        }
    }

    private static void look(Context context, Board.Cell cell, String text, int fill, int ink, int spoken) {
        cell.text = text;
        cell.fill = context.getColor(fill);
        cell.ink = ink == 0 ? WHITE : context.getColor(ink);
        cell.bold = ink == 0;
        cell.spoken = context.getString(spoken);
    }

    /** A given that was changed, or a digit that is also elsewhere in its row, column or box. */
    private static boolean isWrong(SudokuTask task, Grid question, Grid shown, int row, int column) {
        int value = shown.get(row, column);
        int given = question.get(row, column);
        if (given != 0 && given != value) {
            return true;
        }
        if (value == 0) {
            return false;
        }
        for (int i = 0; i < task.side; i++) {
            int boxRow = row / task.boxRows * task.boxRows + i / task.boxColumns;
            int boxColumn = column / task.boxColumns * task.boxColumns + i % task.boxColumns;
            boolean inRow = i != column && shown.get(row, i) == value;
            boolean inColumn = i != row && shown.get(i, column) == value;
            boolean inBox = (boxRow != row || boxColumn != column) && shown.get(boxRow, boxColumn) == value;
            if (inRow || inColumn || inBox) {
                return true;
            }
        }
        return false;
    }
}
