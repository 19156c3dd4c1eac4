package edge.trm.app;

import android.app.Activity;
import android.content.Intent;
import android.os.Bundle;
import android.view.Gravity;
import android.view.View;
import android.widget.Button;
import android.widget.EditText;
import android.widget.ProgressBar;
import android.widget.TableLayout;
import android.widget.TableRow;
import android.widget.TextView;
import edge.trm.profile.Profile;

/** Times of a bundle on this phone, and their export. Draws a {@link Measurement}; measures nothing itself. */
public final class ProfileActivity extends Activity implements Measurement.Screen {
    /** Extra of the intent: id of the bundle. */
    static final String BUNDLE = "bundle";
    /** Extra of the intent: its name. */
    static final String TITLE = "title";
    static final int EXPORT_REQUEST = 1;

    Measurement measurement;
    private EditText puzzles;
    private EditText rounds;
    private EditText threads;
    private Profile drawn;

    @Override protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.activity_profile);
        getActionBar().setDisplayHomeAsUpEnabled(true);
        Measurement kept = (Measurement) getLastNonConfigurationInstance();
        measurement = kept == null ? new Measurement(this, getIntent().getStringExtra(BUNDLE)) : kept;
        puzzles = findViewById(R.id.puzzles);
        rounds = findViewById(R.id.rounds);
        threads = findViewById(R.id.threads);
        if (saved == null) {
            puzzles.setText("4");
            rounds.setText("5");
        }
        threads.setHint(R.string.threads_hint);
        ((TextView) findViewById(R.id.bundle_title)).setText(getIntent().getStringExtra(TITLE));
        findViewById(R.id.measure).setOnClickListener(view -> measureOrStop());
        findViewById(R.id.export).setOnClickListener(view -> export());
    }

    @Override protected void onStart() {
        super.onStart();
        measurement.attach(this);
    }

    @Override protected void onStop() {
        measurement.detach();
        super.onStop();
    }

    @Override public Object onRetainNonConfigurationInstance() {
        return measurement;
    }

    @Override protected void onDestroy() {
        if (!isChangingConfigurations()) {
            measurement.close();
        }
        super.onDestroy();
    }

    @Override public void show() {
        boolean busy = measurement.isBusy();
        ((Button) findViewById(R.id.measure)).setText(busy ? R.string.stop : R.string.measure);
        ProgressBar progress = findViewById(R.id.progress);
        progress.setVisibility(busy ? View.VISIBLE : View.INVISIBLE);
        progress.setMax(Math.max(1, measurement.all()));
        progress.setProgress(measurement.done());
        progress.setContentDescription(getString(R.string.measuring, measurement.done(), measurement.all()));
        TextView status = findViewById(R.id.status);
        String line = busy ? getString(R.string.working) : measurement.line();
        if (!status.getText().toString().equals(line)) {
            status.setText(line);
        }
        status.setTextColor(getColor(measurement.isBad() ? R.color.wrong : R.color.ink));
        boolean there = measurement.profile() != null && !busy;
        findViewById(R.id.figures).setVisibility(there ? View.VISIBLE : View.GONE);
        findViewById(R.id.export).setVisibility(there ? View.VISIBLE : View.GONE);
        if (there && measurement.profile() != drawn) {
            drawn = measurement.profile();
            showFigures(drawn);
        }
    }

    private void showFigures(Profile profile) {
        TableLayout figures = findViewById(R.id.figures);
        figures.removeAllViews();
        if (!Double.isNaN(profile.stepSeconds(0.5))) { // a graph that shows its steps to a clock
            row(figures, R.string.figure_step, pair(profile.stepSeconds(0.5), profile.stepSeconds(0.9)));
        }
        row(figures, R.string.figure_puzzle, pair(profile.puzzleSeconds(0.5), profile.puzzleSeconds(0.9)));
        row(figures, R.string.figure_steps, Words.digits(this, profile.meanSteps()));
        row(figures, R.string.figure_right, getString(R.string.figure_of, profile.right(), profile.puzzles()));
        if (profile.memoryBytes() > 0) {
            row(figures, R.string.figure_memory, Words.megabytes(this, profile.memoryBytes()));
        }
        row(figures, R.string.figure_policy, profile.policy());
    }

    private String pair(double half, double most) {
        return getString(R.string.figure_pair, Words.duration(this, half), Words.duration(this, most));
    }

    private void row(TableLayout figures, int name, String value) {
        TableRow row = new TableRow(this);
        TextView left = new TextView(this, null, 0, R.style.Label);
        left.setText(name);
        TextView right = new TextView(this, null, 0, R.style.Body);
        right.setText(value);
        right.setGravity(Gravity.END);
        int gap = Math.round(6 * getResources().getDisplayMetrics().density);
        left.setPadding(0, gap, gap, gap);
        right.setPadding(gap, gap, 0, gap);
        row.setGravity(Gravity.CENTER_VERTICAL);
        row.addView(left);
        row.addView(right);
        figures.addView(row);
    }

    private void measureOrStop() {
        if (measurement.isBusy()) {
            measurement.stop();
        } else {
            getWindow().getDecorView().clearFocus();
            measurement.start(text(puzzles), text(rounds), text(threads));
        }
    }

    private static String text(EditText field) {
        return field.getText().toString();
    }

    private void export() {
        Intent create = new Intent(Intent.ACTION_CREATE_DOCUMENT);
        create.addCategory(Intent.CATEGORY_OPENABLE);
        create.setType("application/json");
        create.putExtra(Intent.EXTRA_TITLE, "profile.json");
        startActivityForResult(create, EXPORT_REQUEST);
    }

    @Override protected void onActivityResult(int request, int result, Intent data) {
        super.onActivityResult(request, result, data);
        if (request == EXPORT_REQUEST && result == RESULT_OK && data != null && data.getData() != null) {
            measurement.export(data.getData());
        }
    }
}
