package edge.trm.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.content.Context;
import android.content.Intent;
import android.net.Uri;
import android.view.View;
import android.widget.EditText;
import android.widget.TableLayout;
import android.widget.TableRow;
import android.widget.TextView;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import org.json.JSONArray;
import org.json.JSONObject;
import org.junit.After;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/** The profile screen on a real bundle, and the file that it exports ({@code trm-edge profile --import} reads it). */
@RunWith(AppRunner.class)
@Config(sdk = 34, qualifiers = "w360dp-h800dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class ProfileActivityTest {
    private static final String STEP = "sudoku-4x4.fp32.onnx-step";
    private static final String LOOP = "sudoku-4x4.fp32.onnx-loop";

    private ActivityController<ProfileActivity> controller;
    private ProfileActivity screen;

    private void open(String bundle) throws IOException {
        Context app = RuntimeEnvironment.getApplication();
        Fixtures.push(app, bundle);
        Intent intent = new Intent(app, ProfileActivity.class);
        intent.putExtra(ProfileActivity.BUNDLE, new BundleStore(app).list().get(0).id);
        intent.putExtra(ProfileActivity.TITLE, bundle);
        controller = Robolectric.buildActivity(ProfileActivity.class, intent).setup();
        screen = controller.get();
        type(R.id.puzzles, "2");
        type(R.id.rounds, "2");
    }

    @After public void close() {
        if (controller != null) {
            controller.pause().stop().destroy();
        }
    }

    private void settle() {
        Screens.await("measured", () -> !screen.measurement.isBusy());
    }

    private void type(int id, String text) {
        ((EditText) screen.findViewById(id)).setText(text);
    }

    private String text(int id) {
        return ((TextView) screen.findViewById(id)).getText().toString();
    }

    private String figures() {
        StringBuilder all = new StringBuilder();
        TableLayout figures = screen.findViewById(R.id.figures);
        for (int i = 0; i < figures.getChildCount(); i++) {
            TableRow row = (TableRow) figures.getChildAt(i);
            all.append(((TextView) row.getChildAt(0)).getText()).append(": ");
            all.append(((TextView) row.getChildAt(1)).getText()).append('\n');
        }
        return all.toString();
    }

    private JSONObject export() throws Exception {
        assertTrue(screen.findViewById(R.id.export).performClick());
        Intent asked = shadowOf(screen).peekNextStartedActivityForResult().intent;
        assertEquals(Intent.ACTION_CREATE_DOCUMENT, asked.getAction());
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        receive(asked, written);
        assertEquals("Written; trm-edge profile --import FILE reads it", text(R.id.status));
        File kept = new File("target/profiles");
        kept.mkdirs();
        JSONObject document = new JSONObject(written.toString("UTF-8"));
        String name = document.getJSONArray("sides").getJSONObject(0).getString("graph") + ".json";
        Files.write(new File(kept, name).toPath(), written.toByteArray());
        return document;
    }

    private void receive(Intent asked, OutputStream out) {
        Uri uri = Uri.parse("content://files/profile.json");
        shadowOf(screen.getContentResolver()).registerOutputStream(uri, out);
        shadowOf(screen).receiveResult(asked, Activity.RESULT_OK, new Intent().setData(uri));
        Screens.await("written", () -> !text(R.id.status).isEmpty());
    }

    @Test public void aStepGraphIsMeasuredAndExported() throws Exception {
        open(STEP);
        screen.findViewById(R.id.measure).performClick();
        assertEquals("Stop", text(R.id.measure));
        settle();
        String figures = figures();
        assertTrue(figures, figures.contains("One step, p50 / p90: "));
        assertTrue(figures, figures.contains("One puzzle, p50 / p90: "));
        assertTrue(figures, figures.contains("Right answers: 2 of 2"));
        assertTrue(figures, figures.contains("Memory"));
        Screens.save(screen.getWindow().getDecorView(), "profile");
        JSONObject side = export().getJSONArray("sides").getJSONObject(0);
        assertEquals("sudoku-4x4", side.getString("task"));
        JSONArray runs = side.getJSONArray("runs");
        assertEquals(2, runs.length());
        assertEquals(2, runs.getJSONArray(0).length());
        assertTrue(side.getJSONObject("machine").getString("os").startsWith("Android 14"));
    }

    @Test public void aLoopGraphHasNoTimesOfSteps() throws Exception {
        open(LOOP);
        screen.findViewById(R.id.measure).performClick();
        settle();
        assertFalse(figures(), figures().contains("One step"));
        assertEquals(0, export().getJSONArray("sides").getJSONObject(0).getJSONArray("runs").length());
    }

    @Test public void aMeasurementCanBeStopped() throws Exception {
        open(STEP);
        type(R.id.rounds, "100");
        screen.findViewById(R.id.measure).performClick();
        screen.findViewById(R.id.measure).performClick();
        settle();
        assertEquals("Stopped", text(R.id.status));
        assertNull(screen.measurement.profile());
        assertEquals(View.GONE, screen.findViewById(R.id.export).getVisibility());
    }

    @Test public void turningKeepsTheResult() throws Exception {
        open(STEP);
        screen.findViewById(R.id.measure).performClick();
        Measurement before = screen.measurement;
        RuntimeEnvironment.setQualifiers("w800dp-h360dp-land-xhdpi");
        controller.configurationChange(RuntimeEnvironment.getApplication().getResources().getConfiguration());
        screen = controller.get();
        assertSame(before, screen.measurement);
        settle();
        assertTrue(figures().contains("Right answers: 2 of 2"));
    }

    @Test public void whatIsNoNumberIsRefusedInALine() throws Exception {
        open(STEP);
        type(R.id.rounds, "0");
        screen.findViewById(R.id.measure).performClick();
        assertEquals("'0' for \"Rounds\": give a whole number from 1 to 100", text(R.id.status));
    }

    @Test public void aFileThatCannotBeWrittenIsSaid() throws Exception {
        open(STEP);
        screen.findViewById(R.id.measure).performClick();
        settle();
        screen.findViewById(R.id.export).performClick();
        receive(shadowOf(screen).peekNextStartedActivityForResult().intent, new OutputStream() {
            @Override public void write(int value) throws IOException {
                throw new IOException("the disk is full");
            }
        });
        assertEquals("Not written: the disk is full", text(R.id.status));
    }
}
