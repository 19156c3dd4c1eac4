package edge.trm.app;

import android.content.Context;
import android.content.res.ColorStateList;
import android.view.KeyEvent;
import android.view.View;
import android.widget.Button;
import edge.trm.tasks.Grid;
import edge.trm.tasks.MazeTask;
import edge.trm.tasks.SudokuTask;
import edge.trm.tasks.Task;

/**
 * Board and keys together: a Sudoku's digits go into the cell that was chosen, a maze and an ARC grid are painted with
 * the value that was chosen. Knows the families' values; what happens with them is the desk's business.
 */
final class PuzzlePad implements BoardView.Listener {
    private final Desk desk;
    private final BoardView board;
    private final KeyPad keys;
    private final Context context;
    private Task task;
    /** What a touch paints; -1: a touch chooses a cell. */
    private int brush = -1;
    /** Whether the keys are wanted beside the steps of a run: not until a cell is touched. */
    private boolean editing;

    PuzzlePad(Desk desk, BoardView board, KeyPad keys) {
        this.desk = desk;
        this.board = board;
        this.keys = keys;
        context = board.getContext();
        board.setListener(this);
    }

    /** Draws what is on the desk. */
    void show() {
        if (desk.task() != task) {
            task = desk.task();
            makeKeys();
        }
        boolean there = desk.question() != null;
        board.setVisibility(there ? View.VISIBLE : View.INVISIBLE);
        editing &= desk.phase() == Desk.Phase.IDLE;
        keys.setVisibility(there && (editing || desk.run() == null) ? View.VISIBLE : View.GONE);
        if (there) {
            board.show(picture());
            board.setContentDescription(context.getString(R.string.board, board.board().rows, board.board().columns));
        }
    }

    private Board picture() {
        int shown = desk.shown();
        if (desk.run() == null || shown == 0) {
            return BoardArt.draw(context, task, desk.question(), desk.question(), null);
        }
        Grid before = shown == 1 ? desk.question() : desk.run().frames.get(shown - 2).answer;
        return BoardArt.draw(context, task, desk.question(), desk.run().frames.get(shown - 1).answer, before);
    }

    private void makeKeys() {
        keys.removeAllViews();
        brush = -1;
        if (task instanceof SudokuTask) {
            for (int digit = 1; digit <= ((SudokuTask) task).side; digit++) {
                String symbol = SudokuTask.symbol(digit);
                key(digit, symbol, context.getString(R.string.key_digit, symbol));
            }
            key(0, "⌫", context.getString(R.string.key_blank));
        } else if (task instanceof MazeTask) {
            key(MazeTask.WALL, context.getString(R.string.key_wall), null);
            key(MazeTask.FLOOR, context.getString(R.string.key_floor), null);
            key(MazeTask.START, context.getString(R.string.key_start), null);
            key(MazeTask.GOAL, context.getString(R.string.key_goal), null);
        } else if (task != null) {
            for (int colour = 0; colour < 10; colour++) {
                Button key = key(colour, Integer.toString(colour), context.getString(R.string.key_colour, colour));
                key.setBackgroundTintList(ColorStateList.valueOf(BoardArt.arcFill(colour)));
                key.setTextColor(BoardArt.arcInk(colour));
            }
        }
        board.setDrawing(task != null && !isSudoku());
    }

    private Button key(final int value, String text, String spoken) {
        Button key = new Button(context, null, 0, R.style.Key);
        key.setText(text);
        key.setContentDescription(spoken);
        key.setTag(value);
        key.setOnClickListener(view -> press(value));
        keys.addView(key);
        return key;
    }

    private boolean isSudoku() {
        return task instanceof SudokuTask;
    }

    /** A key of the pad. */
    private void press(int value) {
        if (!isSudoku()) {
            brush = brush == value ? -1 : value;
            for (int i = 0; i < keys.getChildCount(); i++) {
                keys.getChildAt(i).setSelected(Integer.valueOf(brush).equals(keys.getChildAt(i).getTag()));
            }
        } else {
            if (board.selectedRow() < 0) {
                board.select(0, 0);
            }
            desk.put(board.selectedRow(), board.selectedColumn(), value);
        }
    }

    @Override public void onCell(int row, int column) {
        board.select(row, column);
        editing = true;
        if (!isSudoku() && brush >= 0 && desk.question() != null && inside(row, column)) {
            paint(row, column);
        } else {
            show();
        }
    }

    private boolean inside(int row, int column) {
        return row < desk.question().rows && column < desk.question().columns;
    }

    /** A maze has one start and one goal: painting another moves it. */
    private void paint(int row, int column) {
        boolean end = task instanceof MazeTask && (brush == MazeTask.START || brush == MazeTask.GOAL);
        Grid question = desk.question();
        if (end) {
            for (int cell = 0; cell < question.size(); cell++) {
                if (question.get(cell / question.columns, cell % question.columns) == brush) {
                    desk.put(cell / question.columns, cell % question.columns, MazeTask.FLOOR);
                }
            }
        }
        desk.put(row, column, brush);
    }

    /** Digits, letters of large Sudokus, and the keys that delete. */
    @Override public boolean onKey(int keyCode, KeyEvent event) {
        if (!isSudoku() || board.selectedRow() < 0) {
            return false;
        }
        int typed = Character.toUpperCase(event.getUnicodeChar());
        int value = keyCode == KeyEvent.KEYCODE_DEL || keyCode == KeyEvent.KEYCODE_FORWARD_DEL
                || typed == '0' || typed == '.' ? 0 : digit(typed);
        if (value < 0) {
            return false;
        }
        desk.put(board.selectedRow(), board.selectedColumn(), value);
        return true;
    }

    private int digit(int typed) {
        for (int digit = 1; digit <= ((SudokuTask) task).side; digit++) {
            if (SudokuTask.symbol(digit).charAt(0) == typed) {
                return digit;
            }
        }
        return -1;
    }
}
