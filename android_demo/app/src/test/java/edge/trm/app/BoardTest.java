package edge.trm.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.content.Context;
import android.view.KeyEvent;
import android.view.accessibility.AccessibilityNodeInfo;
import edge.trm.tasks.Grid;
import edge.trm.tasks.Task;
import edge.trm.tasks.Tasks;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/** Boards of all families: what is drawn, what a screen reader hears, what keys and fingers do. */
@RunWith(AppRunner.class)
@Config(sdk = 34, qualifiers = "w360dp-h640dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class BoardTest {
    private Activity activity;
    private BoardView view;
    private int row = -1;
    private int column = -1;

    @Before public void open() {
        activity = Robolectric.buildActivity(Activity.class).setup().get();
        activity.setTheme(R.style.Trm);
        view = new BoardView(activity, null);
        view.setId(R.id.board);
        activity.setContentView(view);
        view.setListener(new BoardView.Listener() {
            @Override public void onCell(int atRow, int atColumn) {
                row = atRow;
                column = atColumn;
            }

            @Override public boolean onKey(int keyCode, KeyEvent event) {
                return false;
            }
        });
    }

    private Board draw(String id, String question, String shown, String before) {
        Task task = Tasks.get(id);
        Grid asked = task.parse(question).question;
        Grid earlier = before == null ? null : grid(task, before);
        Board board = BoardArt.draw(activity, task, asked, grid(task, shown), earlier);
        view.show(board);
        Screens.layOut(view, 720, 720);
        return board;
    }

    private static Grid grid(Task task, String text) {
        return task.parse(text).question;
    }

    @Test public void aSudokuTellsGivensAnswersAndChanges() {
        Board board = draw("sudoku-4x4", "1...|....|....|....", "12..|....|....|....", "1...|....|....|....");
        Board.Cell given = board.cells[0];
        Board.Cell answer = board.cells[1];
        assertTrue(given.bold);
        assertFalse(answer.bold);
        assertTrue(answer.changed);
        assertFalse(given.changed);
        assertEquals("row 1, column 2: 2, changed", said(1));
        assertEquals("row 1, column 1: 1, given", said(0));
    }

    @Test public void whatBreaksARuleIsMarkedAndSaid() {
        Task task = Tasks.get("sudoku-4x4");
        Grid question = grid(task, "1...............");
        Grid twice = question.with(0, 3, 1);
        view.show(BoardArt.draw(activity, task, question, twice, null));
        assertEquals("row 1, column 4: 1, breaks a rule", said(3));
        assertEquals("row 1, column 1: 1, given, breaks a rule", said(0));
        view.show(BoardArt.draw(activity, task, question, question.with(0, 0, 2), null));
        assertEquals("row 1, column 1: 2, given, breaks a rule", said(0));
    }

    @Test public void aMazeAndAnArcGridHaveWords() {
        draw("maze-3x3", "S G# # # ", "S G# # # ", null);
        assertEquals("row 1, column 1: start", said(0));
        assertEquals("row 1, column 2: floor", said(1));
        assertEquals("row 1, column 3: goal", said(2));
        assertEquals("row 2, column 1: wall", said(3));
        draw("arc-10x10", "01/23", "01/23", null);
        assertEquals("row 2, column 2: colour 3", said(3));
        assertEquals(BoardArt.arcFill(3), view.board().cells[3].fill);
    }

    @Test public void anEmptyArcAnswerCanBeDrawn() {
        Task task = Tasks.get("arc-10x10");
        Grid question = grid(task, "01/23");
        view.show(BoardArt.draw(activity, task, question, Grid.of(0, 0, new int[0]), question));
        Screens.layOut(view, 720, 720);
        Screens.draw(view);
    }

    @Test public void aScreenReaderCanChooseACell() {
        draw("sudoku-4x4", "1...............", "1...............", null);
        assertEquals(16, view.getAccessibilityNodeProvider().createAccessibilityNodeInfo(-1).getChildCount());
        assertTrue(view.getAccessibilityNodeProvider().performAction(6, AccessibilityNodeInfo.ACTION_CLICK, null));
        assertEquals(1, row);
        assertEquals(2, column);
        assertFalse(view.getAccessibilityNodeProvider().performAction(16, AccessibilityNodeInfo.ACTION_CLICK, null));
    }

    @Test public void arrowKeysWalkAndStopAtTheEdge() {
        draw("sudoku-4x4", "1...............", "1...............", null);
        view.select(0, 0);
        view.onKeyDown(KeyEvent.KEYCODE_DPAD_RIGHT, new KeyEvent(KeyEvent.ACTION_DOWN, KeyEvent.KEYCODE_DPAD_RIGHT));
        assertEquals(1, view.selectedColumn());
        int up = KeyEvent.KEYCODE_DPAD_UP;
        assertFalse(view.onKeyDown(up, new KeyEvent(KeyEvent.ACTION_DOWN, up)));
        assertEquals(0, view.selectedRow());
    }

    @Test public void aTapFindsItsCell() {
        draw("sudoku-4x4", "1...............", "1...............", null);
        Screens.tap(view, view.getWidth() * 0.6f, view.getHeight() * 0.9f);
        assertEquals(3, row);
        assertEquals(2, column);
    }

    @Test public void digitsAreDrawnInTheirColours() {
        draw("sudoku-4x4", "1...............", "12..............", null);
        Context context = activity;
        assertTrue(Screens.count(view, context.getColor(R.color.answer)) > 50);
        assertTrue(Screens.count(view, context.getColor(R.color.ink)) > 50);
        assertEquals(0, Screens.count(view, context.getColor(R.color.changed)));
        draw("sudoku-4x4", "1...............", "12..............", "1...............");
        assertTrue(Screens.count(view, context.getColor(R.color.changed)) > 1000);
    }

    private String said(int cell) {
        return view.getAccessibilityNodeProvider().createAccessibilityNodeInfo(cell).getContentDescription().toString();
    }
}
