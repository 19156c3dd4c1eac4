package edge.trm.app;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.Intent;
import android.database.Cursor;
import android.net.Uri;
import android.os.Bundle;
import android.provider.OpenableColumns;
import android.text.Editable;
import android.text.InputType;
import android.text.TextWatcher;
import android.view.KeyEvent;
import android.view.Menu;
import android.view.MenuItem;
import android.view.View;
import android.widget.AdapterView;
import android.widget.ArrayAdapter;
import android.widget.Button;
import android.widget.EditText;
import android.widget.LinearLayout;
import android.widget.SeekBar;
import android.widget.Spinner;
import android.widget.TextView;
import android.widget.Toast;
import edge.trm.tasks.Grid;
import java.util.ArrayList;
import java.util.List;

/** The first screen: a bundle, a puzzle, every step on the way to its answer. Draws a {@link Desk}; decides nothing. */
public final class SolveActivity extends Activity implements Desk.Screen {
    static final int OPEN_REQUEST = 1;
    private static final float LARGE_LETTERS = 1.4f;
    private static final String STATE_BUNDLE = "bundle";
    private static final String STATE_PUZZLE = "puzzle";
    private static final String STATE_COLUMNS = "columns";
    private static final String STATE_PUZZLE_ID = "puzzle id";

    Desk desk;
    private PuzzlePad pad;
    private BoardView board;
    private Spinner bundles;
    private Spinner examples;
    private Spinner policies;
    private EditText threshold;
    private EditText minSteps;
    private EditText budget;
    private Button solve;
    private TextView bundleAbout;
    private SeekBar playback;
    private boolean filling;

    @Override protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.activity_solve);
        Desk kept = (Desk) getLastNonConfigurationInstance();
        desk = kept == null ? new Desk(this) : kept;
        find();
        if (getResources().getConfiguration().fontScale >= LARGE_LETTERS) {
            stack(findViewById(R.id.bundle_row));
            stack(findViewById(R.id.puzzle_row));
        }
        if (kept == null) {
            begin(saved);
        }
    }

    private void begin(Bundle saved) {
        if (desk.entries().isEmpty()) {
            return;
        }
        String id = saved == null ? "" : saved.getString(STATE_BUNDLE, "");
        BundleStore.Entry last = BundleStore.find(desk.entries(), id);
        if (last != null) {
            int[] cells = saved.getIntArray(STATE_PUZZLE);
            int columns = saved.getInt(STATE_COLUMNS);
            desk.choose(last, Grid.of(cells.length / columns, columns, cells), saved.getInt(STATE_PUZZLE_ID));
        } else {
            desk.choose(desk.entries().get(0));
        }
    }

    /** Puts what lies in a row below each other. */
    private static void stack(LinearLayout row) {
        row.setOrientation(LinearLayout.VERTICAL);
        for (int i = 0; i < row.getChildCount(); i++) {
            row.getChildAt(i).getLayoutParams().width = LinearLayout.LayoutParams.MATCH_PARENT;
        }
    }

    private void find() {
        board = findViewById(R.id.board);
        bundles = findViewById(R.id.bundle);
        examples = findViewById(R.id.example);
        policies = findViewById(R.id.policy);
        threshold = findViewById(R.id.threshold);
        minSteps = findViewById(R.id.min);
        budget = findViewById(R.id.budget);
        solve = findViewById(R.id.solve);
        bundleAbout = findViewById(R.id.bundle_about);
        playback = findViewById(R.id.playback);
        pad = new PuzzlePad(desk, board, (KeyPad) findViewById(R.id.pad));
        findViewById(R.id.open).setOnClickListener(view -> pickFile());
        findViewById(R.id.text).setOnClickListener(view -> askForText());
        findViewById(R.id.clear).setOnClickListener(view -> desk.clear());
        findViewById(R.id.play).setOnClickListener(view -> desk.replay());
        solve.setOnClickListener(view -> solveOrStop());
        bundles.setOnItemSelectedListener(new Chosen() {
            @Override void onChosen(int position) {
                if (position < desk.entries().size() && desk.entries().get(position) != desk.entry()) {
                    desk.choose(desk.entries().get(position));
                }
            }
        });
        examples.setOnItemSelectedListener(new Chosen() {
            @Override void onChosen(int position) {
                if (position < desk.examples() && position != desk.example()) {
                    desk.chooseExample(position);
                }
            }
        });
        policies.setOnItemSelectedListener(new Chosen() {
            @Override void onChosen(int position) {
                desk.halting().kind = position;
                showFields();
            }
        });
        threshold.addTextChangedListener(new Typed() {
            @Override void onTyped(String text) {
                desk.halting().threshold = text;
            }
        });
        minSteps.addTextChangedListener(new Typed() {
            @Override void onTyped(String text) {
                desk.halting().minSteps = text;
            }
        });
        budget.addTextChangedListener(new Typed() {
            @Override void onTyped(String text) {
                desk.halting().budget = text;
            }
        });
        playback.setOnSeekBarChangeListener(new SeekBar.OnSeekBarChangeListener() {
            @Override public void onProgressChanged(SeekBar bar, int progress, boolean byUser) {
                if (byUser) {
                    desk.showStep(progress);
                }
            }

            @Override public void onStartTrackingTouch(SeekBar bar) { }

            @Override public void onStopTrackingTouch(SeekBar bar) { }
        });
    }

    @Override protected void onStart() {
        super.onStart();
        desk.attach(this);
    }

    @Override protected void onStop() {
        desk.detach();
        super.onStop();
    }

    @Override public Object onRetainNonConfigurationInstance() {
        return desk;
    }

    @Override protected void onSaveInstanceState(Bundle out) {
        super.onSaveInstanceState(out);
        if (desk.entry() != null && desk.question() != null && desk.question().size() > 0) {
            out.putString(STATE_BUNDLE, desk.entry().id);
            out.putIntArray(STATE_PUZZLE, desk.question().cells());
            out.putInt(STATE_COLUMNS, desk.question().columns);
            out.putInt(STATE_PUZZLE_ID, desk.puzzleId());
        }
    }

    @Override protected void onDestroy() {
        if (!isChangingConfigurations()) {
            desk.close();
        }
        super.onDestroy();
    }

    // -- drawing ------------------------------------------------------------------------------

    @Override public void show() {
        filling = true;
        showChoices();
        showFields();
        filling = false;
        boolean idle = desk.phase() == Desk.Phase.IDLE;
        boolean ready = idle && desk.question() != null;
        bundles.setEnabled(idle && !desk.entries().isEmpty());
        examples.setEnabled(ready);
        findViewById(R.id.open).setEnabled(idle);
        findViewById(R.id.text).setEnabled(ready);
        findViewById(R.id.clear).setEnabled(ready);
        boolean solving = desk.phase() == Desk.Phase.SOLVING || desk.phase() == Desk.Phase.STOPPING;
        solve.setText(solving ? R.string.stop : R.string.solve);
        solve.setEnabled(ready || desk.phase() == Desk.Phase.SOLVING);
        solve.setAlpha(solve.isEnabled() ? 1 : 0.5f);
        pad.show();
        new RunReport(this, desk).show();
        invalidateOptionsMenu();
    }

    private void showChoices() {
        List<String> names = new ArrayList<String>();
        int chosen = 0;
        for (BundleStore.Entry entry : desk.entries()) {
            chosen = entry == desk.entry() ? names.size() : chosen;
            names.add(entry.title);
        }
        if (names.isEmpty()) {
            names.add(getString(R.string.bundle_none));
        }
        fill(bundles, names, chosen);
        List<String> puzzles = new ArrayList<String>();
        for (int number = 1; number <= desk.examples(); number++) {
            puzzles.add(getString(R.string.example, number));
        }
        puzzles.add(getString(R.string.own_puzzle));
        fill(examples, puzzles, desk.example() == Desk.OWN ? puzzles.size() - 1 : desk.example());
        List<String> ways = new ArrayList<String>();
        ways.add(getString(R.string.policy_act));
        ways.add(getString(R.string.policy_fixed));
        if (desk.halting().special() != null) {
            ways.add(desk.halting().special());
        }
        fill(policies, ways, desk.halting().kind);
        bundleAbout.setText(about(this, desk));
    }

    /** What a bundle is, in a line. */
    static String about(Activity activity, Desk desk) {
        if (desk.phase() == Desk.Phase.OPENING && desk.entry() != null) {
            return activity.getString(R.string.bundle_opening, desk.entry().title);
        }
        if (desk.manifest() == null) {
            return desk.entries().isEmpty() ? activity.getString(R.string.bundle_none_about) : "";
        }
        long bytes = desk.manifest().files.get(desk.manifest().modelFile).bytes;
        return activity.getString(R.string.bundle_about, desk.manifest().task, desk.manifest().precision.id(),
                desk.manifest().graph.id(), Words.megabytes(activity, bytes));
    }

    private void showFields() {
        HaltingChoice halting = desk.halting();
        set(threshold, halting.threshold);
        set(minSteps, halting.minSteps);
        set(budget, halting.budget);
        int visible = halting.kind == HaltingChoice.ACT ? View.VISIBLE : View.GONE;
        findViewById(R.id.threshold_part).setVisibility(visible);
        findViewById(R.id.min_part).setVisibility(visible);
    }

    private static void set(EditText field, String text) {
        if (!field.getText().toString().equals(text)) {
            field.setText(text);
        }
    }

    private void fill(Spinner spinner, List<String> items, int chosen) {
        if (!items.equals(spinner.getTag())) {
            spinner.setTag(items);
            ArrayAdapter<String> adapter = new ArrayAdapter<String>(this, android.R.layout.simple_spinner_item, items);
            adapter.setDropDownViewResource(R.layout.choice);
            spinner.setAdapter(adapter);
        }
        if (spinner.getSelectedItemPosition() != chosen) {
            spinner.setSelection(chosen, false);
        }
    }

    // -- what the user does -------------------------------------------------------------------

    private void solveOrStop() {
        if (desk.phase() == Desk.Phase.SOLVING) {
            desk.stop();
        } else {
            getWindow().getDecorView().clearFocus();
            desk.solve();
        }
    }

    private void pickFile() {
        Intent pick = new Intent(Intent.ACTION_OPEN_DOCUMENT);
        pick.addCategory(Intent.CATEGORY_OPENABLE);
        pick.setType("*/*"); // file managers disagree about what a .zip is
        startActivityForResult(pick, OPEN_REQUEST);
    }

    @Override protected void onActivityResult(int request, int result, Intent data) {
        super.onActivityResult(request, result, data);
        if (request == OPEN_REQUEST && result == RESULT_OK && data != null && data.getData() != null) {
            desk.add(data.getData(), shownName(data.getData()));
        }
    }

    private String shownName(Uri uri) {
        try (Cursor found = getContentResolver().query(
                uri, new String[] {OpenableColumns.DISPLAY_NAME}, null, null, null)) {
            if (found != null && found.moveToFirst() && !found.isNull(0)) {
                return found.getString(0);
            }
        } catch (RuntimeException noName) { // a provider may do as it likes
            return uri.getLastPathSegment();
        }
        return uri.getLastPathSegment();
    }

    private void askForText() {
        EditText field = new EditText(this);
        field.setId(R.id.puzzle_text);
        field.setInputType(InputType.TYPE_CLASS_TEXT | InputType.TYPE_TEXT_FLAG_MULTI_LINE
                | InputType.TYPE_TEXT_FLAG_NO_SUGGESTIONS);
        field.setTypeface(android.graphics.Typeface.MONOSPACE);
        field.setText(desk.text());
        field.setMaxLines(12);
        new AlertDialog.Builder(this)
                .setTitle(R.string.text_title)
                .setView(field)
                .setPositiveButton(R.string.text_use,
                        (dialog, which) -> desk.lay(field.getText().toString(), desk.puzzleId()))
                .setNegativeButton(R.string.cancel, null)
                .show();
    }

    @Override public boolean onCreateOptionsMenu(Menu menu) {
        getMenuInflater().inflate(R.menu.solve, menu);
        menu.findItem(R.id.profile).setEnabled(desk.phase() == Desk.Phase.IDLE && desk.manifest() != null);
        menu.findItem(R.id.remove).setVisible(desk.entry() != null && desk.entry().removable);
        return true;
    }

    @Override public boolean onOptionsItemSelected(MenuItem item) {
        if (item.getItemId() == R.id.profile) {
            Intent open = new Intent(this, ProfileActivity.class);
            open.putExtra(ProfileActivity.BUNDLE, desk.entry().id);
            open.putExtra(ProfileActivity.TITLE, desk.entry().title);
            startActivity(open);
        } else if (item.getItemId() == R.id.about) {
            startActivity(new Intent(this, AboutActivity.class));
        } else if (item.getItemId() == R.id.remove) {
            String title = desk.entry().title;
            if (desk.remove()) {
                Toast.makeText(this, getString(R.string.bundle_removed, title), Toast.LENGTH_SHORT).show();
            }
        } else {
            return super.onOptionsItemSelected(item);
        }
        return true;
    }

    @Override public boolean onKeyUp(int keyCode, KeyEvent event) {
        if (keyCode == KeyEvent.KEYCODE_ENTER && event.isCtrlPressed()) {
            solveOrStop();
            return true;
        }
        return super.onKeyUp(keyCode, event);
    }

    /** A choice by the user, not one that {@link #show} made. */
    private abstract class Chosen implements AdapterView.OnItemSelectedListener {
        abstract void onChosen(int position);

        @Override public void onItemSelected(AdapterView<?> parent, View view, int position, long id) {
            if (!filling && desk.phase() == Desk.Phase.IDLE) {
                onChosen(position);
            }
        }

        @Override public void onNothingSelected(AdapterView<?> parent) { }
    }

    /** A text by the user. */
    private abstract class Typed implements TextWatcher {
        abstract void onTyped(String text);

        @Override public void afterTextChanged(Editable text) {
            if (!filling) {
                onTyped(text.toString());
            }
        }

        @Override public void beforeTextChanged(CharSequence text, int start, int count, int after) { }

        @Override public void onTextChanged(CharSequence text, int start, int before, int count) { }
    }
}
