package edge.trm.app;

import android.content.Context;
import android.net.Uri;
import android.os.Build;
import android.os.Handler;
import android.os.Looper;
import edge.trm.InvalidInput;
import edge.trm.TrmEdgeException;
import edge.trm.bundle.Bundle;
import edge.trm.bundle.Golden;
import edge.trm.profile.Profile;
import edge.trm.profile.Profiler;
import edge.trm.solve.Cancelled;
import edge.trm.tasks.Puzzle;
import edge.trm.tasks.Task;
import edge.trm.tasks.Tasks;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * One bundle being measured, whether a screen is there or not: it outlives the activity when the phone is turned. What
 * is measured and how is the library's business. All methods are for the main thread. Knows no view.
 */
final class Measurement {
    /** Who draws it. */
    interface Screen {
        /** Something changed. */
        void show();
    }

    private static final int MOST_ROUNDS = 100;
    private static final int MOST_THREADS = 64;

    private final Context context;
    private final String id;
    private final BundleStore store;
    private final Handler main = new Handler(Looper.getMainLooper());
    private final ExecutorService worker = Executors.newSingleThreadExecutor();
    private volatile boolean stop;
    private Screen screen;
    private boolean busy;
    private int done;
    private int all;
    private Profile profile;
    private String line = "";
    private boolean bad;

    /** @param id of a bundle in the {@link BundleStore} */
    Measurement(Context context, String id) {
        this.context = context.getApplicationContext();
        this.id = id;
        store = new BundleStore(context);
    }

    boolean isBusy() {
        return busy;
    }

    /** Puzzles that were solved, and how many will be; 0 of 0: not known yet. */
    int done() {
        return done;
    }

    int all() {
        return all;
    }

    /** The last result, or null. */
    Profile profile() {
        return profile;
    }

    /** What there is to say in one line; may be empty. */
    String line() {
        return line;
    }

    /** Whether that line is a complaint. */
    boolean isBad() {
        return bad;
    }

    void attach(Screen screen) {
        this.screen = screen;
        screen.show();
    }

    void detach() {
        screen = null;
    }

    /** Measures; fields as they were typed. {@code threads} may be empty: the engine's own choice. */
    void start(String puzzles, String rounds, String threads) {
        if (busy) {
            return;
        }
        try {
            int count = whole(puzzles, R.string.puzzles, HaltingChoice.MOST_STEPS);
            int times = whole(rounds, R.string.rounds, MOST_ROUNDS);
            Integer wanted = threads.trim().isEmpty() ? null : whole(threads, R.string.threads, MOST_THREADS);
            busy = true;
            stop = false;
            done = 0;
            all = 0;
            say("", false);
            worker.execute(() -> measure(count, times, wanted));
        } catch (InvalidInput wrong) {
            say(wrong.getMessage(), true);
        }
    }

    /** Ends after the puzzle that is being solved. */
    void stop() {
        stop = true;
    }

    /** Writes the result to where the user said. */
    void export(Uri uri) {
        byte[] bytes = profile.toJson().getBytes(java.nio.charset.StandardCharsets.UTF_8);
        worker.execute(() -> {
            try (OutputStream out = context.getContentResolver().openOutputStream(uri, "wt")) {
                if (out == null) {
                    throw new IOException(uri.toString());
                }
                out.write(bytes);
                post(context.getString(R.string.exported), false);
            } catch (IOException | RuntimeException error) { // other apps' files: anything may be thrown
                post(context.getString(R.string.export_failed, BundleStore.oneLine(error)), true);
            }
        });
    }

    void close() {
        stop = true;
        screen = null;
        worker.shutdown();
    }

    private void measure(int count, int rounds, Integer threads) {
        try (Bundle bundle = store.open(id)) {
            List<Puzzle> puzzles = puzzles(bundle, count);
            Profile found = new Profiler(bundle, puzzles)
                    .rounds(rounds, 1)
                    .threads(threads)
                    .data(puzzles.size() + " golden puzzles of the bundle")
                    .fact("os", "Android " + Build.VERSION.RELEASE + " (API " + Build.VERSION.SDK_INT + ")")
                    .fact("model", Build.MANUFACTURER + " " + Build.MODEL)
                    .fact("cpu", Build.VERSION.SDK_INT >= Build.VERSION_CODES.S ? Build.SOC_MODEL : Build.HARDWARE)
                    .measure(this::progress);
            main.post(() -> profile = found);
            post("", false);
        } catch (Cancelled asked) {
            post(context.getString(R.string.stopped), false);
        } catch (TrmEdgeException refused) {
            post(refused.getMessage(), true);
        } catch (LinkageError missing) {
            post(context.getString(R.string.engine_failed, context.getString(R.string.engine_missing)), true);
        } catch (RuntimeException | OutOfMemoryError broken) {
            post(context.getString(R.string.engine_failed, BundleStore.oneLine(broken)), true);
        }
    }

    private boolean progress(int done, int all) {
        main.post(() -> {
            this.done = done;
            this.all = all;
            changed();
        });
        return !stop;
    }

    /** The bundle's own examples; no answers are known but by the rules. */
    private static List<Puzzle> puzzles(Bundle bundle, int count) {
        Golden golden = bundle.golden();
        Task task = Tasks.get(bundle.manifest.task);
        List<Puzzle> puzzles = new ArrayList<Puzzle>();
        for (int i = 0; i < Math.min(count, golden.size()); i++) {
            puzzles.add(new Puzzle(task.decode(golden.tokens[i]), null, golden.puzzleIds[i]));
        }
        return puzzles;
    }

    private int whole(String text, int field, int most) {
        try {
            int value = Integer.parseInt(text.trim());
            if (value >= 1 && value <= most) {
                return value;
            }
        } catch (NumberFormatException notANumber) {
            // told below
        }
        throw new InvalidInput(context.getString(R.string.not_a_whole, text.trim(), context.getString(field), most));
    }

    private void post(String text, boolean complaint) {
        main.post(() -> {
            busy = false;
            say(text, complaint);
        });
    }

    private void say(String text, boolean complaint) {
        line = text;
        bad = complaint;
        changed();
    }

    private void changed() {
        if (screen != null) {
            screen.show();
        }
    }
}
