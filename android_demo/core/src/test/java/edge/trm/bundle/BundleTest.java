package edge.trm.bundle;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import edge.trm.TrmEdgeException;
import edge.trm.json.Json;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Bundles from streams, as an app's assets are; archives and folders have their cases in tests/vectors. */
public class BundleTest {
    @Rule
    public final TemporaryFolder scratch = new TemporaryFolder();

    private final Map<String, byte[]> assets = new TreeMap<String, byte[]>();
    private boolean sizesKnown;
    private boolean breaks;

    private final BundleFiles files = new BundleFiles() {
        @Override
        public List<String> names() {
            return new ArrayList<String>(assets.keySet());
        }

        @Override
        public InputStream open(String name) throws IOException {
            if (breaks) {
                throw new IOException("the disk is full");
            }
            return new ByteArrayInputStream(assets.get(name));
        }

        @Override
        public long size(String name) {
            return sizesKnown ? assets.get(name).length : -1;
        }
    };

    @Before
    public void write() throws Exception {
        Map<String, Object> entry = new LinkedHashMap<String, Object>();
        entry.put("sha256", "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"); // of 0123456789
        entry.put("bytes", 10L);
        Map<String, Object> listed = new LinkedHashMap<String, Object>();
        listed.put("model.onnx", entry);
        Map<String, Object> document = Manifests.document();
        document.put("files", listed);
        assets.put("manifest.json", Json.write(document).getBytes(StandardCharsets.UTF_8));
        assets.put("model.onnx", "0123456789".getBytes(StandardCharsets.UTF_8));
    }

    private String refusal() {
        try {
            Bundle.open(files, "assets/tiny", scratch.getRoot()).close();
            fail("was opened");
            return "";
        } catch (TrmEdgeException error) {
            assertArrayEquals("nothing is left", new String[0], scratch.getRoot().list());
            return error.getMessage();
        }
    }

    @Test
    public void whatIsReadIsCheckedAndCopied() throws Exception {
        Bundle bundle = Bundle.open(files, "assets/tiny", scratch.getRoot());
        assertEquals("0123456789", new String(Files.readAllBytes(bundle.modelFile().toPath()), "UTF-8"));
        assertEquals("assets/tiny", bundle.path);
        assertEquals(10, bundle.bytes());
        assertEquals("", bundle.modelCard());
        assertTrue("whoever is handed the folder finds a bundle in it",
                Bundle.open(bundle.folder).manifest.name.equals(bundle.manifest.name));
        File folder = bundle.folder;
        bundle.close();
        bundle.close();
        assertFalse(folder.exists());
    }

    @Test
    public void damageIsRefusedAndNothingIsLeft() {
        for (boolean known : new boolean[] {true, false}) {
            sizesKnown = known;
            assets.put("model.onnx", "0123456788".getBytes(StandardCharsets.UTF_8));
            assertEquals("'model.onnx' in 'assets/tiny' does not match its SHA-256: damaged or changed, copy the bundle"
                    + " again", refusal());
            assets.put("model.onnx", "01234567890".getBytes(StandardCharsets.UTF_8));
            assertEquals("'model.onnx' in 'assets/tiny' is 11 bytes, its manifest says 10: copy the bundle again",
                    refusal());
        }
        assets.put("more", new byte[1]);
        assertEquals("'assets/tiny' holds 'more', which its manifest does not list: remove it", refusal());
        assets.remove("model.onnx");
        assertTrue(refusal().startsWith("'assets/tiny' lacks 'model.onnx'"));
        assets.put("manifest.json", new byte[5 << 20]);
        assertEquals("'manifest.json' is larger than 4194304 bytes", refusal());
        assets.put("manifest.json", new byte[] {(byte) 0xc0, (byte) 0x80});
        assertEquals("'manifest.json' is not UTF-8 text", refusal());
        breaks = true;
        assertEquals("Cannot read 'assets/tiny': the disk is full", refusal());
        assets.clear();
        assertEquals("'assets/tiny' is not a bundle: it has no manifest.json", refusal());
    }

    /** The manifest has no hash of its own: of a damaged archive its checksum tells. */
    @Test
    public void aDamagedManifestInAnArchiveIsRefused() throws Exception {
        File archive = scratch.newFile();
        ZipOutputStream zip = new ZipOutputStream(new FileOutputStream(archive));
        zip.setMethod(ZipOutputStream.DEFLATED);
        zip.setLevel(0); // as good as stored
        for (Map.Entry<String, byte[]> file : assets.entrySet()) {
            zip.putNextEntry(new ZipEntry(file.getKey()));
            zip.write(file.getValue());
        }
        zip.close();
        Bundle.open(archive, scratch.getRoot()).close();
        String bytes = new String(Files.readAllBytes(archive.toPath()), StandardCharsets.ISO_8859_1);
        String damaged = bytes.replace("tiny step", "tiny stop");
        Files.write(archive.toPath(), damaged.getBytes(StandardCharsets.ISO_8859_1));
        try {
            Bundle.readManifest(archive);
            fail("was read");
        } catch (InvalidBundle error) {
            assertEquals("'" + archive + "' is not a readable zip: 'manifest.json': Bad CRC-32", error.getMessage());
        }
    }

    @Test
    public void nothingThereIsOneLine() {
        File path = new File(scratch.getRoot(), "none");
        try {
            Bundle.open(path);
            fail("was opened");
        } catch (InvalidBundle error) {
            assertEquals("No bundle at '" + path + "': expected a folder or a .zip that 'trm-edge export' wrote",
                    error.getMessage());
        }
    }

    @Test
    public void aBundleWithoutGoldenVectorsSaysSo() {
        Bundle bundle = Bundle.open(files, "assets/tiny", scratch.getRoot());
        try {
            bundle.golden();
            fail("has some");
        } catch (InvalidBundle error) {
            assertTrue(error.getMessage().contains("holds no golden.json"));
        } finally {
            bundle.close();
        }
    }
}
