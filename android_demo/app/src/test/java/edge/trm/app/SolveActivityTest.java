package edge.trm.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.Intent;
import android.net.Uri;
import android.os.Looper;
import android.view.View;
import android.widget.EditText;
import android.widget.Spinner;
import android.widget.TextView;
import edge.trm.bundle.Bundle;
import edge.trm.bundle.Golden;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.nio.file.Files;
import java.util.concurrent.CountDownLatch;
import org.junit.After;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;
import org.robolectric.shadows.ShadowAlertDialog;

/** The first screen, clicked through on the real ONNX Runtime with bundles that were exported for the test. */
@RunWith(AppRunner.class)
@Config(sdk = 34, qualifiers = "w360dp-h800dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class SolveActivityTest {
    private static final String STEP = "sudoku-4x4.fp32.onnx-step";
    private static final String LOOP = "sudoku-4x4.fp32.onnx-loop";
    private static final String UNROLLED = "sudoku-4x4.fp32.onnx-unrolled";

    private ActivityController<SolveActivity> controller;
    private SolveActivity screen;

    private void open(String... bundles) throws Exception {
        for (String bundle : bundles) {
            Fixtures.push(RuntimeEnvironment.getApplication(), bundle);
        }
        start();
    }

    private void start() {
        controller = Robolectric.buildActivity(SolveActivity.class).setup();
        screen = controller.get();
        settle();
    }

    @After public void close() {
        if (controller != null) {
            controller.pause().stop().destroy();
        }
    }

    /** Until nothing is computed any more, and every step was shown. */
    private void settle() {
        Screens.await("idle", () -> screen.desk.phase() == Desk.Phase.IDLE && !screen.desk.isPlaying());
    }

    private void click(int id) {
        assertTrue(screen.findViewById(id).isEnabled());
        assertTrue(screen.findViewById(id).performClick());
    }

    private void key(String spoken) {
        KeyPad pad = screen.findViewById(R.id.pad);
        for (int i = 0; i < pad.getChildCount(); i++) {
            if (spoken.contentEquals(pad.getChildAt(i).getContentDescription())) {
                pad.getChildAt(i).performClick();
                return;
            }
        }
        throw new AssertionError("no key '" + spoken + "'");
    }

    private void type(int id, String text) {
        ((EditText) screen.findViewById(id)).setText(text);
    }

    private void chooseInSpinner(int id, int position) {
        Spinner spinner = screen.findViewById(id);
        spinner.setSelection(position);
        spinner.getOnItemSelectedListener().onItemSelected(spinner, null, position, position);
        settle();
    }

    private String text(int id) {
        return ((TextView) screen.findViewById(id)).getText().toString();
    }

    private boolean shows(int id) {
        return screen.findViewById(id).getVisibility() == View.VISIBLE;
    }

    // -- solving ------------------------------------------------------------------------------

    @Test public void everyExampleEndsAsTheGoldenVectorsSay() throws Exception {
        open(STEP);
        try (Bundle bundle = Bundle.open(Fixtures.bundle(STEP))) {
            Golden golden = bundle.golden();
            for (int number = 0; number < golden.size(); number++) {
                chooseInSpinner(R.id.example, number);
                click(R.id.solve);
                settle();
                assertEquals(golden.haltingSteps[number], screen.desk.run().frames.size());
                assertEquals(screen.desk.task().decode(golden.answers[number]),
                        screen.desk.run().solution().grid);
            }
        }
    }

    @Test public void aSolvedPuzzleShowsItsStepsAndSaysSo() throws Exception {
        open(STEP);
        click(R.id.solve);
        assertEquals("Stop", text(R.id.solve));
        settle();
        assertEquals("Solve", text(R.id.solve));
        assertTrue(text(R.id.result), text(R.id.result).matches("Solved after \\d+ steps?, [\\d.,]+ m?s"));
        String status = text(R.id.status);
        assertTrue(status, status.matches("Step \\d+: halting probability \\d+ %, enough to stop"));
        assertTrue(text(R.id.engine), text(R.id.engine).matches("onnxruntime 1\\.\\d+\\.\\d+ · CPUExecutionProvider"));
        assertTrue(screen.findViewById(R.id.curve).getContentDescription().toString().contains("%"));
    }

    @Test public void aFixedNumberOfStepsIsTakenAndCanBeLookedAt() throws Exception {
        open(STEP);
        chooseInSpinner(R.id.policy, HaltingChoice.FIXED);
        type(R.id.budget, "5");
        click(R.id.solve);
        settle();
        assertEquals(5, screen.desk.run().frames.size());
        assertEquals("5 / 5", text(R.id.playback_step));
        screen.desk.showStep(2);
        assertEquals("2 / 5", text(R.id.playback_step));
        assertTrue(text(R.id.status).startsWith("Step 2 of at most 5"));
        assertTrue("the result stays", text(R.id.result).contains("after 5 steps"));
        screen.desk.showStep(0);
        assertEquals("", text(R.id.status));
        click(R.id.play);
        assertEquals(0, screen.desk.shown());
        settle();
        assertEquals(5, screen.desk.shown());
    }

    @Test public void anUnreachableThresholdTakesTheWholeBudget() throws Exception {
        open(STEP);
        type(R.id.threshold, "1000");
        type(R.id.budget, "3");
        click(R.id.solve);
        settle();
        assertEquals(3, screen.desk.run().frames.size());
        assertFalse(screen.desk.run().solution().halted);
        assertTrue(text(R.id.status).startsWith("Step 3 of at most 3"));
    }

    @Test public void stopEndsARunAfterTheStep() throws Exception {
        open(STEP);
        chooseInSpinner(R.id.policy, HaltingChoice.FIXED);
        type(R.id.budget, "1024");
        click(R.id.solve);
        click(R.id.solve);
        settle();
        assertTrue(screen.desk.run().frames.size() < 1024);
        assertTrue(text(R.id.result), text(R.id.result).startsWith("Stopped after"));
        click(R.id.solve); // and another one can begin
        click(R.id.solve);
        settle();
    }

    @Test public void aLoopGraphGivesOneStepAndItsNumber() throws Exception {
        open(LOOP);
        click(R.id.solve);
        settle();
        assertEquals(1, screen.desk.run().frames.size());
        assertEquals(screen.desk.run().solution().steps, screen.desk.run().frames.get(0).step);
        assertTrue(text(R.id.result).startsWith("Solved after"));
        assertFalse(screen.findViewById(R.id.playback).isEnabled());
    }

    @Test public void whatAGraphCannotFollowIsRefusedInALine() throws Exception {
        open(UNROLLED);
        type(R.id.budget, "5");
        click(R.id.solve);
        settle();
        assertTrue(text(R.id.result), text(R.id.result).contains("budget of 5 steps exceeds the 4"));
        assertFalse(shows(R.id.trace));
        type(R.id.budget, "4");
        click(R.id.solve);
        settle();
        assertTrue(text(R.id.result).startsWith("Solved after"));
    }

    @Test public void whatIsNoNumberIsRefusedInALine() throws Exception {
        open(STEP);
        type(R.id.threshold, "high");
        click(R.id.solve);
        assertEquals("'high' for \"Logit above\": give a number, for example 0.5", text(R.id.result));
        type(R.id.threshold, "0");
        type(R.id.budget, "0");
        click(R.id.solve);
        assertEquals("'0' for \"Steps at most\": give a whole number from 1 to 1024", text(R.id.result));
    }

    // -- puzzles ------------------------------------------------------------------------------

    @Test public void aPuzzleCanBeTypedWithKeys() throws Exception {
        open(STEP);
        click(R.id.clear);
        assertEquals("................", screen.desk.text());
        BoardView board = screen.findViewById(R.id.board);
        board.select(1, 2);
        key("digit 3");
        assertEquals("......3.........", screen.desk.text());
        key("blank");
        assertEquals("................", screen.desk.text());
        Spinner examples = screen.findViewById(R.id.example);
        assertEquals("Your own", examples.getSelectedItem());
    }

    @Test public void givensThatContradictAreRefused() throws Exception {
        open(STEP);
        click(R.id.clear);
        screen.desk.put(0, 0, 1);
        screen.desk.put(0, 1, 1);
        click(R.id.solve);
        assertTrue(text(R.id.result), text(R.id.result).startsWith("The givens contradict each other: 1 is twice"));
    }

    @Test public void aPuzzleCanBePastedAsText() throws Exception {
        open(STEP);
        paste("1... .2.. ..3. ...4");
        assertEquals("1....2....3....4", screen.desk.text());
        paste("1... .2..");
        assertEquals("8 cells given; a 4x4 Sudoku has 16", text(R.id.result));
        assertEquals("the old one stays", "1....2....3....4", screen.desk.text());
    }

    private void paste(String puzzle) {
        click(R.id.text);
        AlertDialog dialog = (AlertDialog) ShadowAlertDialog.getLatestDialog();
        ((EditText) dialog.findViewById(R.id.puzzle_text)).setText(puzzle);
        dialog.getButton(AlertDialog.BUTTON_POSITIVE).performClick();
        settle();
    }

    @Test public void editingDropsTheOldAnswer() throws Exception {
        open(STEP);
        click(R.id.solve);
        settle();
        screen.desk.put(0, 0, 0);
        assertNull(screen.desk.run());
        assertFalse(shows(R.id.trace));
    }

    // -- turning the phone --------------------------------------------------------------------

    @Test public void turningKeepsARunThatGoesOn() throws Exception {
        open(STEP);
        chooseInSpinner(R.id.policy, HaltingChoice.FIXED);
        type(R.id.budget, "40");
        Desk desk = screen.desk;
        CountDownLatch gate = new CountDownLatch(1);
        desk.worker.execute(() -> await(gate));
        click(R.id.solve);
        turn("w800dp-h360dp-land-xhdpi");
        assertSame(desk, screen.desk);
        assertEquals("Stop", text(R.id.solve));
        gate.countDown();
        Screens.await("the third step", () -> desk.shown() >= 3);
        turn("w360dp-h800dp-port-xhdpi");
        assertTrue("in the middle of it", desk.isPlaying());
        turn("w800dp-h360dp-land-xhdpi");
        settle();
        assertEquals(40, desk.run().frames.size());
        assertTrue(text(R.id.result), text(R.id.result).contains("after 40 steps"));
        turn("w360dp-h800dp-port-xhdpi");
        assertTrue(text(R.id.result), text(R.id.result).contains("after 40 steps"));
        assertEquals("40", text(R.id.budget));
    }

    private static void await(CountDownLatch gate) {
        try {
            gate.await();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private void turn(String qualifiers) {
        RuntimeEnvironment.setQualifiers(qualifiers);
        controller.configurationChange(RuntimeEnvironment.getApplication().getResources().getConfiguration());
        screen = controller.get();
        shadowOf(Looper.getMainLooper()).idle();
    }

    @Test public void thePuzzleOutlivesTheProcess() throws Exception {
        open(STEP, LOOP);
        chooseInSpinner(R.id.bundle, 1);
        String second = screen.desk.entry().id;
        click(R.id.clear);
        screen.desk.put(3, 3, 2);
        screen.desk.put(3, 2, 2); // not a legal one yet
        android.os.Bundle saved = new android.os.Bundle();
        controller.saveInstanceState(saved).pause().stop().destroy();
        controller = Robolectric.buildActivity(SolveActivity.class).setup(saved);
        screen = controller.get();
        settle();
        assertEquals(second, screen.desk.entry().id);
        assertEquals("..............22", screen.desk.text());
    }

    // -- bundles ------------------------------------------------------------------------------

    @Test public void withoutABundleTheScreenSaysHowToGetOne() {
        start();
        assertEquals("No bundle yet", ((Spinner) screen.findViewById(R.id.bundle)).getSelectedItem());
        assertTrue(text(R.id.bundle_about).contains("trm-edge export"));
        assertFalse(screen.findViewById(R.id.solve).isEnabled());
        assertTrue(screen.findViewById(R.id.open).isEnabled());
    }

    @Test public void aZipOfTheUserIsTakenInAndKept() throws Exception {
        start();
        pick("mine.zip", Files.readAllBytes(Fixtures.bundle(STEP + ".zip").toPath()));
        assertEquals("", text(R.id.result));
        assertNotNull(screen.desk.manifest());
        click(R.id.solve);
        settle();
        assertTrue(text(R.id.result).startsWith("Solved after"));
        pick("again.zip", Files.readAllBytes(Fixtures.bundle(STEP + ".zip").toPath()));
        assertTrue(text(R.id.result), text(R.id.result).contains("is already here; remove it first"));
        controller.pause().stop().destroy();
        start();
        assertEquals("it is there again", 1, screen.desk.entries().size());
        assertTrue(screen.desk.remove());
        settle();
        assertEquals(0, screen.desk.entries().size());
    }

    @Test public void aDamagedZipIsRefusedInALineAndLeavesNothing() throws Exception {
        open(STEP);
        byte[] bytes = Files.readAllBytes(Fixtures.bundle(STEP + ".zip").toPath());
        bytes[bytes.length / 2] ^= 1;
        pick("broken.zip", bytes);
        assertTrue(text(R.id.result), text(R.id.result).contains("'broken.zip'"));
        assertTrue(text(R.id.result), text(R.id.result).contains("not a readable zip"));
        assertFalse(text(R.id.result).contains("\n"));
        assertEquals(1, screen.desk.entries().size());
        assertEquals(0, new File(RuntimeEnvironment.getApplication().getFilesDir(), "bundles").list() == null ? 0 : 1);
        for (String left : RuntimeEnvironment.getApplication().getCacheDir().list()) {
            assertFalse(left, left.endsWith(".zip"));
        }
        pick("text.zip", "no archive".getBytes("UTF-8"));
        assertTrue(text(R.id.result), text(R.id.result).contains("text.zip"));
        click(R.id.solve);
        settle();
        assertTrue("the bundle before goes on", text(R.id.result).startsWith("Solved after"));
    }

    @Test public void whatCannotBeReadIsSaid() throws Exception {
        start();
        receive(new Intent().setData(Uri.parse("content://gone/1"))); // nobody answers
        assertTrue(text(R.id.result), text(R.id.result).startsWith("1 cannot be read: "));
    }

    @Test public void aTamperedBundleThatWasPushedIsListedAndRefused() throws Exception {
        Fixtures.push(RuntimeEnvironment.getApplication(), STEP);
        File model = new File(
                RuntimeEnvironment.getApplication().getExternalFilesDir(null), "bundles/" + STEP + "/model.onnx");
        byte[] bytes = Files.readAllBytes(model.toPath());
        bytes[100] ^= 1;
        Files.write(model.toPath(), bytes);
        start();
        assertTrue(text(R.id.result), text(R.id.result).contains("does not match its SHA-256"));
        assertFalse(screen.findViewById(R.id.solve).isEnabled());
    }

    private void pick(String name, byte[] content) {
        Uri uri = Uri.parse("content://files/" + name);
        shadowOf(screen.getContentResolver()).registerInputStream(uri, new ByteArrayInputStream(content));
        receive(new Intent().setData(uri));
    }

    private void receive(Intent picked) {
        click(R.id.open);
        Intent asked = shadowOf(screen).peekNextStartedActivityForResult().intent;
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.getAction());
        shadowOf(screen).receiveResult(asked, Activity.RESULT_OK, picked);
        settle();
    }
}
