package edge.trm.app;

import static org.junit.Assume.assumeTrue;

import android.content.Context;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;

/** Real exported bundles, from the folder that TRM_EDGE_FIXTURES names; tests that need one are skipped without it. */
final class Fixtures {
    private Fixtures() { }

    static File bundle(String name) {
        String folder = System.getenv("TRM_EDGE_FIXTURES");
        assumeTrue("TRM_EDGE_FIXTURES is not set: no bundles to run", folder != null && !folder.isEmpty());
        File bundle = new File(folder, "bundles/" + name);
        if (!bundle.exists()) {
            throw new AssertionError(bundle + " does not exist: tests/vectors/make.py writes it");
        }
        return bundle;
    }

    /** Puts a bundle where {@code trm-edge deploy android --adb} puts it. */
    static void push(Context context, String name) throws IOException {
        copy(bundle(name), new File(context.getExternalFilesDir(null), "bundles/" + name));
    }

    static void copy(File from, File to) throws IOException {
        if (from.isDirectory()) {
            to.mkdirs();
            for (String name : from.list()) {
                copy(new File(from, name), new File(to, name));
            }
        } else {
            to.getParentFile().mkdirs();
            Files.copy(from.toPath(), to.toPath(), StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
