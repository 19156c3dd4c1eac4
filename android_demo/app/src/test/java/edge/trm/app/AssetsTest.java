package edge.trm.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.content.Context;
import android.content.res.AssetManager;
import edge.trm.TrmEdgeException;
import edge.trm.bundle.Bundle;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.runner.RunWith;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;

/** Bundles among the app's assets, where {@code trm-edge deploy android} puts them, by Android's own asset manager. */
@RunWith(AppRunner.class)
@Config(sdk = 34)
public final class AssetsTest {
    private static final String STEP = "sudoku-4x4.fp32.onnx-step";
    private static final String INDEX = "{\"bundles\": ["
            + "{\"name\": \"first\", \"path\": \"good\", \"title\": \"t\", \"bytes\": 1, \"new\": 0},"
            + "{\"name\": \"second\", \"path\": \"damaged\", \"title\": \"t\", \"bytes\": 1}]}";

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    /** Another archive of assets beside the app's own: which bundles were deployed must not matter to tests. */
    private void place(Context app) throws Exception {
        File archive = folder.newFile("assets.apk");
        File bundle = Fixtures.bundle(STEP);
        try (ZipOutputStream zip = new ZipOutputStream(new FileOutputStream(archive))) {
            add(zip, "index.json", INDEX.getBytes(StandardCharsets.UTF_8));
            for (File file : bundle.listFiles()) {
                byte[] content = Files.readAllBytes(file.toPath());
                add(zip, "good/" + file.getName(), content);
                boolean golden = file.getName().equals("golden.json");
                add(zip, "damaged/" + file.getName(), golden ? "{}".getBytes(StandardCharsets.UTF_8) : content);
            }
        }
        Object cookie = AssetManager.class.getMethod("addAssetPath", String.class)
                .invoke(app.getAssets(), archive.getPath());
        assertTrue("the archive was added", (Integer) cookie != 0);
    }

    private static void add(ZipOutputStream zip, String name, byte[] content) throws IOException {
        zip.putNextEntry(new ZipEntry("assets/bundles/" + name));
        zip.write(content);
    }

    @Test public void theyAreListedOpenedAndChecked() throws Exception {
        Context app = RuntimeEnvironment.getApplication();
        place(app);
        BundleStore store = new BundleStore(app);
        List<BundleStore.Entry> entries = store.list();
        assertEquals("[first, second]", entries.toString());
        assertFalse(entries.get(0).removable);
        assertFalse(store.remove(entries.get(0)));
        try (Bundle bundle = store.open(entries.get(0).id)) {
            assertTrue(bundle.modelFile().isFile());
            assertTrue("a copy for the engine, in the cache",
                    bundle.folder.getPath().startsWith(app.getCacheDir().getPath()));
        }
        assertEquals("nothing is left", 0, app.getCacheDir().list().length);
        try {
            store.open(entries.get(1).id);
            throw new AssertionError("a damaged bundle was opened");
        } catch (TrmEdgeException refused) {
            assertTrue(refused.getMessage(), refused.getMessage().contains("'golden.json' in 'damaged'"));
        }
    }

    @Test public void whatWasLeftByAKilledAppIsSweptAway() throws IOException {
        Context app = RuntimeEnvironment.getApplication();
        File left = new File(app.getCacheDir(), "trm-edge-123");
        assertTrue(left.mkdir() && new File(left, "model.onnx").createNewFile());
        File other = new File(app.getCacheDir(), "other");
        assertTrue(other.createNewFile());
        new BundleStore(app).sweep();
        assertFalse(left.exists());
        assertTrue("not ours", other.exists());
    }
}
