package edge.trm.app;

import android.content.ContentResolver;
import android.content.Context;
import android.content.res.AssetManager;
import android.net.Uri;
import edge.trm.InvalidInput;
import edge.trm.TrmEdgeException;
import edge.trm.bundle.Bundle;
import edge.trm.bundle.BundleFiles;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/**
 * The bundles that the app can see: in its assets, in its folder on the shared storage (where {@code trm-edge deploy
 * android --adb} puts them), and those that the user opened, which are kept as archives in private storage. Knows files
 * and no screen; what makes a bundle valid is the library's business.
 */
final class BundleStore {
    private static final String FOLDER = "bundles";
    private static final String INDEX = FOLDER + "/index.json";
    private static final int MAX_INDEX_BYTES = 1 << 20;
    private static final long MAX_ARCHIVE_BYTES = 1L << 30;
    private static final String SCRATCH = "trm-edge-";

    /** One bundle that can be opened. */
    static final class Entry {
        /** Tells it from all others, also after the app was closed. */
        final String id;
        final String title;
        /** Whether the user put it here. */
        final boolean removable;

        Entry(String id, String title, boolean removable) {
            this.id = id;
            this.title = title;
            this.removable = removable;
        }

        @Override public String toString() {
            return title;
        }
    }

    private static final String ASSET = "asset:";
    private static final String FILE = "file:";

    private final Context context;

    BundleStore(Context context) {
        this.context = context.getApplicationContext();
    }

    /** All bundles by place: the app's own, then those that were pushed, then the user's. Never null. */
    List<Entry> list() {
        List<Entry> found = new ArrayList<Entry>();
        listAssets(found);
        File shared = context.getExternalFilesDir(null);
        if (shared != null) {
            listFiles(new File(shared, FOLDER), found);
        }
        listFiles(ownFolder(), found);
        return found;
    }

    /** The one of an id; null: it is not there any more. */
    static Entry find(List<Entry> entries, String id) {
        for (Entry one : entries) {
            if (one.id.equals(id)) {
                return one;
            }
        }
        return null;
    }

    /**
     * Opens and checks a bundle; the caller closes it. Slow: every byte is read.
     *
     * @throws TrmEdgeException refused, or not readable, in one line
     */
    Bundle open(String id) {
        if (id.startsWith(ASSET)) {
            String path = id.substring(ASSET.length());
            return Bundle.open(new AssetFiles(context.getAssets(), FOLDER + "/" + path), path, context.getCacheDir());
        }
        return Bundle.open(new File(id.substring(FILE.length())), context.getCacheDir());
    }

    /**
     * Takes in an archive that the user chose: copied, checked, and only then put beside the others.
     *
     * @return its entry
     * @throws TrmEdgeException refused, already here, too large or not readable, in one line
     */
    Entry add(Uri uri, String shownName) {
        File copy = null;
        try {
            copy = File.createTempFile(SCRATCH, ".zip", context.getCacheDir());
            copy(uri, shownName, copy);
            Bundle bundle = openCopy(copy, shownName);
            String name = bundle.manifest.name;
            bundle.close();
            File target = new File(ownFolder(), fileName(name));
            if (target.exists()) {
                throw new InvalidInput(context.getString(R.string.already_here, name));
            }
            if (!(ownFolder().isDirectory() || ownFolder().mkdirs()) || !copy.renameTo(target)) {
                throw new IOException("the app's storage cannot be written");
            }
            return new Entry(FILE + target.getPath(), name, true);
        } catch (TrmEdgeException refused) {
            throw refused;
        } catch (IOException | RuntimeException error) { // other apps' files: anything may be thrown
            throw new TrmEdgeException(context.getString(R.string.unreadable, shownName, oneLine(error)), error);
        } finally {
            if (copy != null) {
                copy.delete();
            }
        }
    }

    /** Removes a bundle that the user put here. Returns whether it is gone. */
    boolean remove(Entry entry) {
        return entry.removable && delete(new File(entry.id.substring(FILE.length())));
    }

    /** Removes what an earlier run of the app unpacked and was killed over. */
    void sweep() {
        File[] left = context.getCacheDir().listFiles();
        for (File file : left == null ? new File[0] : left) {
            if (file.getName().startsWith(SCRATCH)) {
                delete(file);
            }
        }
    }

    // -- what is there ------------------------------------------------------------------------

    private void listAssets(List<Entry> into) {
        try {
            JSONArray bundles = new JSONObject(text(context.getAssets().open(INDEX))).getJSONArray("bundles");
            for (int i = 0; i < bundles.length(); i++) {
                JSONObject bundle = bundles.getJSONObject(i);
                into.add(new Entry(ASSET + bundle.getString("path"), bundle.getString("name"), false));
            }
        } catch (IOException | JSONException noBundles) {
            return; // an app without bundles of its own is fine
        }
    }

    private static void listFiles(File folder, List<Entry> into) {
        File[] files = folder.listFiles();
        if (files == null) {
            return;
        }
        Arrays.sort(files);
        for (File file : files) {
            if (file.getName().startsWith(".")) {
                continue; // being pushed
            }
            String title = file.getName();
            try {
                title = Bundle.readManifest(file).name;
            } catch (TrmEdgeException refused) {
                title = file.getName(); // listed all the same: opening it says why it is refused
            }
            into.add(new Entry(FILE + file.getPath(), title, true));
        }
    }

    private File ownFolder() {
        return new File(context.getFilesDir(), FOLDER);
    }

    /** A bundle may be called anything; a file may not. */
    private static String fileName(String name) {
        String safe = name.replaceAll("[^A-Za-z0-9._-]", "_");
        return (safe.startsWith(".") ? "_" + safe : safe).substring(0, Math.min(safe.length(), 100)) + ".zip";
    }

    // -- reading ------------------------------------------------------------------------------

    /** The library's complaints name the copy; people know the file by the name they chose. */
    private Bundle openCopy(File copy, String shownName) {
        try {
            return Bundle.open(copy, context.getCacheDir());
        } catch (TrmEdgeException error) {
            throw new InvalidInput(error.getMessage().replace(copy.getPath(), shownName), error);
        }
    }

    private void copy(Uri uri, String shownName, File to) throws IOException {
        ContentResolver resolver = context.getContentResolver();
        try (InputStream from = resolver.openInputStream(uri); FileOutputStream out = new FileOutputStream(to)) {
            if (from == null) {
                throw new FileNotFoundException(shownName);
            }
            byte[] buffer = new byte[1 << 16];
            long copied = 0;
            for (int count = from.read(buffer); count > 0; count = from.read(buffer)) {
                copied += count;
                if (copied > MAX_ARCHIVE_BYTES) {
                    throw new InvalidInput(context.getString(R.string.too_large, shownName,
                            Words.megabytes(context, MAX_ARCHIVE_BYTES)));
                }
                out.write(buffer, 0, count);
            }
        }
    }

    private static String text(InputStream source) throws IOException {
        try (InputStream from = source) {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            byte[] buffer = new byte[8192];
            for (int count = from.read(buffer); count > 0; count = from.read(buffer)) {
                all.write(buffer, 0, count);
                if (all.size() > MAX_INDEX_BYTES) {
                    throw new IOException("larger than " + MAX_INDEX_BYTES + " bytes");
                }
            }
            return all.toString("UTF-8");
        }
    }

    private static boolean delete(File file) {
        File[] inside = file.listFiles();
        for (File each : inside == null ? new File[0] : inside) {
            delete(each);
        }
        return file.delete();
    }

    static String oneLine(Throwable error) {
        String message = error.getMessage();
        return message == null ? error.getClass().getSimpleName() : message.trim().replaceAll("\\s+", " ");
    }

    /** A folder of the app's assets. */
    private static final class AssetFiles implements BundleFiles {
        private final AssetManager assets;
        private final String folder;

        AssetFiles(AssetManager assets, String folder) {
            this.assets = assets;
            this.folder = folder;
        }

        @Override public List<String> names() throws IOException {
            return Arrays.asList(assets.list(folder));
        }

        @Override public InputStream open(String name) throws IOException {
            return assets.open(folder + "/" + name, AssetManager.ACCESS_STREAMING);
        }

        @Override public long size(String name) {
            return -1; // compressed assets do not tell
        }
    }
}
