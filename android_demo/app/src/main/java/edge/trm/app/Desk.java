package edge.trm.app;

import android.content.Context;
import android.net.Uri;
import android.os.Handler;
import android.os.Looper;
import edge.trm.InvalidInput;
import edge.trm.TrmEdgeException;
import edge.trm.bundle.Bundle;
import edge.trm.bundle.Golden;
import edge.trm.bundle.Manifest;
import edge.trm.tasks.Grid;
import edge.trm.tasks.Puzzle;
import edge.trm.tasks.Task;
import edge.trm.tasks.Tasks;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * What lies on the table, whether a screen is there or not: the bundle, the puzzle, a run that goes on, its steps so
 * far. It outlives the activity when the phone is turned. All methods are for the main thread; opening and solving happen on
 * a thread of their own, one thing at a time. Knows no view.
 */
final class Desk {
    /** Who draws it. */
    interface Screen {
        /** Something changed. */
        void show();
    }

    /** What is going on. */
    enum Phase { IDLE, OPENING, SOLVING, STOPPING }

    /** No example: the puzzle is the user's own. */
    static final int OWN = -1;

    private final Context context;
    private final BundleStore store;
    private final Handler main = new Handler(Looper.getMainLooper());
    final ExecutorService worker = Executors.newSingleThreadExecutor();
    private final Playback playback = new Playback(this::changed);
    private Screen screen;
    /** Of the worker alone. */
    private OpenBundle opened;

    private Phase phase = Phase.IDLE;
    private List<BundleStore.Entry> entries = new ArrayList<BundleStore.Entry>();
    private BundleStore.Entry entry;
    private Manifest manifest;
    private Golden golden;
    private Task task;
    private Grid question;
    private int puzzleId;
    private int example = OWN;
    private final HaltingChoice halting = new HaltingChoice();
    private Run run;
    private String complaint;

    Desk(Context context) {
        this.context = context.getApplicationContext();
        store = new BundleStore(context);
        store.sweep();
        entries = store.list();
    }

    // -- what there is ------------------------------------------------------------------------

    Phase phase() {
        return phase;
    }

    List<BundleStore.Entry> entries() {
        return Collections.unmodifiableList(entries);
    }

    /** The bundle that was chosen, also while it is opened or if it was refused; null: none. */
    BundleStore.Entry entry() {
        return entry;
    }

    /** Of the open bundle; null: none is open. */
    Manifest manifest() {
        return manifest;
    }

    Task task() {
        return task;
    }

    int examples() {
        return golden == null ? 0 : golden.size();
    }

    int example() {
        return example;
    }

    Grid question() {
        return question;
    }

    HaltingChoice halting() {
        return halting;
    }

    /** The run that goes on or the last one; null: the puzzle has not been tried. */
    Run run() {
        return run;
    }

    /** Which step is shown, from 1; 0: the question. */
    int shown() {
        return playback.shown();
    }

    /** Why the last thing that was asked for was refused, in one line; null: it was not. */
    String complaint() {
        return complaint;
    }

    /** Whether steps that were done are still to be shown one by one. */
    boolean isPlaying() {
        return playback.isPlaying();
    }

    void attach(Screen screen) {
        this.screen = screen;
        screen.show();
    }

    void detach() {
        screen = null;
    }

    // -- bundles ------------------------------------------------------------------------------

    /** Opens a bundle and lays its first example on the table. */
    void choose(BundleStore.Entry next) {
        choose(next, null, 0);
    }

    /**
     * The same with the user's puzzle, after the system had put the app away.
     *
     * @param kept the puzzle, or null: the bundle's first example
     */
    void choose(BundleStore.Entry next, Grid kept, int id) {
        if (phase != Phase.IDLE) {
            return;
        }
        lay(next);
        phase = Phase.OPENING;
        changed();
        work(() -> {
            OpenBundle.close(opened);
            opened = null;
            Bundle bundle = store.open(next.id);
            opened = new OpenBundle(bundle);
            Golden found = bundle.manifest.files.containsKey(Manifest.GOLDEN) ? bundle.golden() : null;
            Task made = Tasks.get(bundle.manifest.task);
            main.post(() -> ready(bundle.manifest, made, found, kept, id));
        });
    }

    /** Takes in an archive that the user chose, and opens it. */
    void add(Uri uri, String shownName) {
        if (phase != Phase.IDLE) {
            return;
        }
        phase = Phase.OPENING;
        complaint = null;
        changed();
        work(() -> {
            BundleStore.Entry added = store.add(uri, shownName);
            main.post(() -> {
                phase = Phase.IDLE;
                entries = store.list();
                choose(BundleStore.find(entries, added.id));
            });
        });
    }

    /** Removes the chosen bundle, if the user put it here, and opens another. Returns whether it is gone. */
    boolean remove() {
        if (phase != Phase.IDLE || entry == null || !store.remove(entry)) {
            return false;
        }
        entries = store.list();
        if (entries.isEmpty()) {
            lay((BundleStore.Entry) null);
            changed();
        } else {
            choose(entries.get(0));
        }
        return true;
    }

    /** Another bundle, of which nothing is known yet; null: none. */
    private void lay(BundleStore.Entry next) {
        entry = next;
        manifest = null;
        task = null;
        golden = null;
        question = null;
        forget();
    }

    private void ready(Manifest manifest, Task task, Golden golden, Grid kept, int id) {
        phase = Phase.IDLE;
        this.manifest = manifest;
        this.task = task;
        this.golden = golden;
        halting.reset(manifest);
        if (kept != null) {
            example = OWN;
            lay(kept, id);
        } else if (examples() > 0) {
            chooseExample(0);
        } else {
            clear();
        }
    }

    // -- the puzzle ---------------------------------------------------------------------------

    void chooseExample(int number) {
        if (phase == Phase.IDLE && golden != null) {
            example = number;
            lay(task.decode(golden.tokens[number]), golden.puzzleIds[number]);
        }
    }

    /** Puts a value into a cell; the puzzle is the user's own from then on. */
    void put(int row, int column, int value) {
        if (phase == Phase.IDLE && question != null) {
            example = OWN;
            lay(question.with(row, column, value), puzzleId);
        }
    }

    void clear() {
        if (phase == Phase.IDLE && task != null) {
            example = OWN;
            lay(Blanks.grid(task, question), manifest.puzzles.isEmpty() ? 0 : manifest.puzzles.get(0));
        }
    }

    /** The puzzle as text. */
    String text() {
        return question == null || question.size() == 0 ? "" : task.format(question);
    }

    int puzzleId() {
        return puzzleId;
    }

    /** Reads a puzzle from text; if it is none, the old one stays and the complaint says why. */
    void lay(String text, int id) {
        if (phase != Phase.IDLE || task == null) {
            return;
        }
        try {
            Grid grid = task.parse(text).question;
            example = OWN;
            lay(grid, id);
        } catch (InvalidInput wrong) {
            complaint = wrong.getMessage();
            changed();
        }
    }

    private void lay(Grid grid, int id) {
        question = grid;
        puzzleId = id;
        forget();
        changed();
    }

    /** The steps of a puzzle that is not on the table any more. */
    private void forget() {
        playback.clear();
        run = null;
        complaint = null;
    }

    // -- solving ------------------------------------------------------------------------------

    /** Starts to solve, if what was asked for makes sense; else the complaint says why not. */
    void solve() {
        if (phase != Phase.IDLE || question == null) {
            return;
        }
        forget();
        try {
            String policy = halting.policy(context);
            int budget = halting.budget(context);
            Puzzle puzzle = task.hasRules ? task.parse(task.format(question)) : new Puzzle(question);
            run = new Run(policy, budget, halting.threshold(manifest));
            phase = Phase.SOLVING;
            playback.follow();
            start(run, task, new Puzzle(puzzle.question, null, puzzleId));
        } catch (InvalidInput wrong) {
            complaint = wrong.getMessage();
        }
        changed();
    }

    /** Asks the run to end after the step that it is at. */
    void stop() {
        if (phase == Phase.SOLVING) {
            phase = Phase.STOPPING;
            run.stop();
            changed();
        }
    }

    private void start(Run going, Task task, Puzzle puzzle) {
        work(() -> {
            going.solve(opened.engine(), task, puzzle, frame -> main.post(() -> add(going, frame)));
            main.post(() -> finished(going));
        });
    }

    private void add(Run going, Run.Frame frame) {
        if (going == run) {
            run.frames.add(frame);
            playback.add();
        }
    }

    private void finished(Run going) {
        if (going == run) {
            phase = Phase.IDLE;
            changed();
        }
    }

    /** Does something slow; whatever goes wrong ends in one line on the screen, never in silence. */
    private void work(Runnable slow) {
        worker.execute(() -> {
            try {
                slow.run();
            } catch (TrmEdgeException refused) {
                refuse(refused.getMessage());
            } catch (LinkageError missing) {
                refuse(context.getString(R.string.engine_failed, context.getString(R.string.engine_missing)));
            } catch (RuntimeException | OutOfMemoryError broken) {
                refuse(context.getString(R.string.engine_failed, BundleStore.oneLine(broken)));
            }
        });
    }

    private void refuse(String line) {
        main.post(() -> {
            phase = Phase.IDLE;
            complaint = line;
            changed();
        });
    }

    // -- looking at steps ---------------------------------------------------------------------

    /** Shows a step, from 1; 0: the question. */
    void showStep(int step) {
        playback.show(step);
    }

    /** Shows all steps from the first one on again. */
    void replay() {
        if (run != null && phase == Phase.IDLE) {
            playback.replay();
        }
    }

    // -- the end ------------------------------------------------------------------------------

    /** Stops what goes on and frees the engine; nothing works after that. */
    void close() {
        playback.clear();
        screen = null;
        if (run != null) {
            run.stop();
        }
        worker.execute(() -> OpenBundle.close(opened));
        worker.shutdown();
    }

    private void changed() {
        if (screen != null) {
            screen.show();
        }
    }
}
