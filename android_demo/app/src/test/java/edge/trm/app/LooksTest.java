package edge.trm.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.content.Context;
import android.content.Intent;
import android.content.pm.PackageManager;
import android.view.View;
import android.view.ViewGroup;
import android.widget.EditText;
import android.widget.ScrollView;
import android.widget.TextView;
import java.util.ArrayList;
import java.util.List;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/**
 * The screens in daylight and in the dark, upright and lying, in two languages, with large letters, of every family of
 * puzzles; what fingers and screen readers need of them. Pictures go to target/pictures, for people to look at.
 */
@RunWith(AppRunner.class)
@Config(sdk = 34, qualifiers = "w360dp-h760dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class LooksTest {
    private static final int TOUCH_DP = 48;
    /** Takes the bundled model seven steps. */
    private static final String HARD =
            "..813....62....453......1.6...86.7....3.....9.5.......9.5..4......97........28.71";

    private SolveActivity open(String bundle) throws Exception {
        Fixtures.push(RuntimeEnvironment.getApplication(), bundle);
        SolveActivity screen = Robolectric.buildActivity(SolveActivity.class).setup().get();
        settle(screen.desk);
        return screen;
    }

    private void settle(Desk desk) {
        Screens.await("idle", () -> desk.phase() == Desk.Phase.IDLE && !desk.isPlaying());
    }

    private void solve(SolveActivity screen, String budget) {
        ((EditText) screen.findViewById(R.id.budget)).setText(budget);
        screen.findViewById(R.id.solve).performClick();
        settle(screen.desk);
    }

    private View whole(android.app.Activity screen) {
        return screen.getWindow().getDecorView();
    }

    private void check(android.app.Activity screen) {
        List<String> faults = new ArrayList<String>();
        check(whole(screen), faults);
        assertEquals("", String.join("\n", faults));
    }

    /** Everything that is touched is large enough and has a name; no text is cut off at its lower edge. */
    private void check(View view, List<String> faults) {
        if (view.getVisibility() != View.VISIBLE) {
            return;
        }
        float density = view.getResources().getDisplayMetrics().density;
        String name = view.getClass().getSimpleName() + " " + (view.getId() == View.NO_ID || view.getId() >>> 24 == 0
                ? "" : view.getResources().getResourceEntryName(view.getId()));
        if (view.isClickable() && view.isShown() && view.getId() != android.R.id.content) {
            if (view.getHeight() < TOUCH_DP * density - 1 || view.getWidth() < TOUCH_DP * density - 1) {
                faults.add(name + " is " + view.getWidth() / density + "x" + view.getHeight() / density + "dp");
            }
            boolean labelled = view.getContentDescription() != null || view.getLabelFor() != View.NO_ID
                    || (view instanceof TextView && !((TextView) view).getText().toString().isEmpty());
            if (!labelled && !(view instanceof EditText) && !(view instanceof android.widget.Spinner)) {
                faults.add(name + " has no name");
            }
        }
        if (view instanceof TextView && ((TextView) view).getLayout() != null && !(view instanceof EditText)) {
            TextView text = (TextView) view;
            int room = text.getHeight() - text.getCompoundPaddingTop() - text.getCompoundPaddingBottom();
            if (text.getLayout().getHeight() > room + 2 * density) {
                faults.add(name + " cuts off '" + text.getText() + "'");
            }
        }
        if (view instanceof ViewGroup) {
            for (int i = 0; i < ((ViewGroup) view).getChildCount(); i++) {
                check(((ViewGroup) view).getChildAt(i), faults);
            }
        }
    }

    // -- families -----------------------------------------------------------------------------

    @Test public void aNineByNineIsSolvedInDaylight() throws Exception {
        SolveActivity screen = open("sudoku-9x9.fp32.onnx-step");
        check(screen);
        Screens.save(whole(screen), "puzzle");
        screen.desk.lay(HARD, 0);
        solve(screen, "16");
        assertNull(screen.desk.run().reason());
        assertTrue("it takes several steps", screen.desk.run().frames.size() > 3);
        check(screen);
        Screens.save(whole(screen), "solved");
        screen.desk.showStep(5);
        ((ScrollView) screen.findViewById(R.id.scroll)).scrollTo(0, 10_000);
        Screens.save(whole(screen), "steps");
    }

    @Test @Config(qualifiers = "de-w360dp-h760dp-night-xhdpi")
    public void inGermanAtNight() throws Exception {
        SolveActivity screen = open("sudoku-9x9.fp32.onnx-step");
        screen.desk.lay(HARD, 0);
        solve(screen, "16");
        assertEquals("Lösen", ((TextView) screen.findViewById(R.id.solve)).getText().toString());
        assertTrue(((TextView) screen.findViewById(R.id.result)).getText().toString().startsWith("Gelöst nach "));
        assertEquals(0xff0f151b, screen.getColor(R.color.paper));
        assertTrue(Screens.count(screen.findViewById(R.id.board), screen.getColor(R.color.paper)) > 1000);
        screen.desk.showStep(3);
        check(screen);
        Screens.save(whole(screen), "night-de");
    }

    @Test @Config(qualifiers = "w760dp-h360dp-land-xhdpi")
    public void lying() throws Exception {
        SolveActivity screen = open("sudoku-9x9.fp32.onnx-step");
        screen.desk.lay(HARD, 0);
        solve(screen, "16");
        View board = screen.findViewById(R.id.board);
        assertTrue("the whole board is on the screen", board.getHeight() < 360 * 2 && board.getHeight() > 200 * 2);
        assertEquals("nothing is left over beside it", 760 * 2, screen.findViewById(R.id.scroll).getRight());
        int[] at = new int[2];
        screen.findViewById(R.id.solve).getLocationInWindow(at);
        assertTrue("the controls are beside it", at[0] >= board.getRight());
        check(screen);
        View control = (View) screen.findViewById(R.id.solve).getParent();
        ((ScrollView) screen.findViewById(R.id.scroll)).scrollTo(0, control.getTop());
        Screens.save(whole(screen), "landscape");
    }

    @Test public void largeLetters() throws Exception {
        RuntimeEnvironment.setFontScale(2f);
        SolveActivity screen = open("sudoku-4x4.fp32.onnx-step");
        check(screen);
        solve(screen, "16");
        check(screen);
        Screens.save(whole(screen), "large-letters");
    }

    @Test public void aMazeIsPainted() throws Exception {
        SolveActivity screen = open(bundleOf("maze"));
        screen.desk.clear();
        KeyPad pad = screen.findViewById(R.id.pad);
        pad.getChildAt(0).performClick(); // wall
        assertTrue(pad.getChildAt(0).isSelected());
        BoardView board = screen.findViewById(R.id.board);
        float side = board.getWidth() / (float) board.board().columns;
        Screens.tap(board, side * 1.5f, side * 0.5f);
        assertEquals("#", screen.desk.text().substring(1, 2));
        pad.getChildAt(3).performClick(); // goal
        Screens.tap(board, side * 2.5f, side * 0.5f);
        assertEquals("S#G", screen.desk.text().substring(0, 3));
        assertEquals("one goal", 1, screen.desk.text().replaceAll("[^G]", "").length());
        check(screen);
        Screens.save(whole(screen), "maze");
        solve(screen, "2");
        assertNull(screen.desk.complaint());
    }

    @Test public void anArcGridIsPainted() throws Exception {
        SolveActivity screen = open(bundleOf("arc"));
        screen.desk.lay("012/345/678", screen.desk.puzzleId());
        settle(screen.desk);
        KeyPad pad = screen.findViewById(R.id.pad);
        assertEquals(10, pad.getChildCount());
        pad.getChildAt(9).performClick();
        BoardView board = screen.findViewById(R.id.board);
        Screens.tap(board, board.getWidth() / 2f, board.getHeight() / 2f);
        assertEquals("012/395/678", screen.desk.text());
        check(screen);
        Screens.save(whole(screen), "arc");
        solve(screen, "2");
        assertNull(screen.desk.complaint());
        assertTrue(((TextView) screen.findViewById(R.id.result)).getText().toString().startsWith("Answered"));
    }

    private static String bundleOf(String family) {
        for (String name : Fixtures.bundle("").list()) {
            if (name.startsWith(family + "-") && name.endsWith("onnx-step")) {
                return name;
            }
        }
        throw new AssertionError("no bundle of a step graph for " + family);
    }

    // -- the other screens --------------------------------------------------------------------

    @Test public void aboutSaysWhatIsTrue() {
        AboutActivity screen = Robolectric.buildActivity(AboutActivity.class).setup().get();
        assertTrue(((TextView) screen.findViewById(R.id.versions)).getText().toString().contains("ONNX Runtime 1."));
        check(screen);
        Screens.layOut(whole(screen), whole(screen).getWidth(), whole(screen).getHeight());
        boolean[] found = {false};
        find(whole(screen), screen.getString(R.string.evidence_text), found);
        assertTrue(found[0]);
        assertTrue(screen.getString(R.string.evidence_text).contains("has not run on a phone yet"));
    }

    private static void find(View view, String text, boolean[] found) {
        found[0] |= view instanceof TextView && ((TextView) view).getText().toString().equals(text);
        for (int i = 0; view instanceof ViewGroup && i < ((ViewGroup) view).getChildCount(); i++) {
            find(((ViewGroup) view).getChildAt(i), text, found);
        }
    }

    @Test public void theAppAsksForNothing() throws Exception {
        Context app = RuntimeEnvironment.getApplication();
        assertNull(app.getPackageManager().getPackageInfo(
                app.getPackageName(), PackageManager.GET_PERMISSIONS).requestedPermissions);
        assertFalse(new Intent(app, SolveActivity.class).resolveActivity(app.getPackageManager()) == null);
    }

    @Test public void screenReadersSayWhatChanges() throws Exception {
        SolveActivity screen = open("sudoku-4x4.fp32.onnx-step");
        for (int id : new int[] {R.id.status, R.id.result}) {
            assertEquals(View.ACCESSIBILITY_LIVE_REGION_POLITE,
                    screen.findViewById(id).getAccessibilityLiveRegion());
        }
        assertEquals("Board, 4 rows, 4 columns", screen.findViewById(R.id.board).getContentDescription().toString());
    }
}
