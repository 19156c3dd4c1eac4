package edge.trm.bundle;

import edge.trm.TrmEdgeException;
import edge.trm.text.Show;
import java.io.Closeable;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * A bundle whose files have been checked: names stay inside it, sizes are capped before anything is read, every byte is
 * hashed before an engine sees it. Close it: what came from an archive or from assets was unpacked into a temporary
 * folder that lives as long as the bundle is open. Knows files, hashes and caps; what the fields mean is the manifest's
 * business.
 */
public final class Bundle implements Closeable {
    static final int MAX_MANIFEST_BYTES = 4 << 20;
    static final int MAX_GOLDEN_BYTES = 64 << 20;

    /** Where it was read from, in words for people. */
    public final String path;
    public final Manifest manifest;
    /** Where its files lie. */
    public final File folder;

    private final boolean unpacked;

    private Bundle(String path, Manifest manifest, File folder, boolean unpacked) {
        this.path = path;
        this.manifest = manifest;
        this.folder = folder;
        this.unpacked = unpacked;
    }

    /**
     * Opens a bundle, a folder or a {@code .zip}, after checking the size and SHA-256 of every file. An archive is
     * unpacked into the system's folder for temporary files ({@code java.io.tmpdir}; in an app its cache).
     *
     * @throws InvalidBundle no bundle, damaged, tampered with, unsafe or too new; says which file and why
     * @throws TrmEdgeException the system could not read it
     */
    public static Bundle open(File path) {
        return open(path, new File(System.getProperty("java.io.tmpdir")));
    }

    /** The same, with the folder that an archive is unpacked into (below a new name in it). */
    public static Bundle open(File path, File scratch) {
        try {
            if (path.isDirectory()) {
                return openFolder(path);
            }
            demandFile(path);
            Zip zip = new Zip(path);
            try {
                return unpack(zip, path.getPath(), scratch);
            } finally {
                zip.close();
            }
        } catch (IOException error) {
            throw cannotRead(path.getPath(), error);
        }
    }

    /**
     * Opens a bundle from elsewhere, such as an app's assets: it is copied below {@code scratch} and checked on the
     * way.
     *
     * @param where what messages call the place
     * @throws InvalidBundle as above
     * @throws TrmEdgeException the source could not be read
     */
    public static Bundle open(BundleFiles files, String where, File scratch) {
        try {
            return unpack(files, where, scratch);
        } catch (IOException error) {
            throw cannotRead(where, error);
        }
    }

    /**
     * The manifest of a bundle alone, without checking its files.
     *
     * @throws InvalidBundle no bundle, or an invalid manifest
     */
    public static Manifest readManifest(File path) {
        try {
            if (path.isDirectory()) {
                return Manifest.fromJson(folderManifest(path));
            }
            demandFile(path);
            Zip zip = new Zip(path);
            try {
                return Manifest.fromJson(manifestText(zip, path.getPath()));
            } finally {
                zip.close();
            }
        } catch (IOException error) {
            throw cannotRead(path.getPath(), error);
        }
    }

    /** The manifest alone of a bundle from elsewhere. */
    public static Manifest readManifest(BundleFiles files, String where) {
        try {
            return Manifest.fromJson(manifestText(files, where));
        } catch (IOException error) {
            throw cannotRead(where, error);
        }
    }

    /** The graph. */
    public File modelFile() {
        return new File(folder, manifest.modelFile);
    }

    /** Bytes of all files that the manifest lists. */
    public long bytes() {
        long sum = 0;
        for (FileEntry entry : manifest.files.values()) {
            sum += entry.bytes;
        }
        return sum;
    }

    /**
     * The golden vectors.
     *
     * @throws InvalidBundle there are none, or they do not fit the manifest
     */
    public Golden golden() {
        if (!manifest.files.containsKey(Manifest.GOLDEN)) {
            throw new InvalidBundle("'" + path + "' holds no golden.json: export it again with golden vectors");
        }
        File file = new File(folder, Manifest.GOLDEN);
        try {
            Golden vectors = Golden.fromJson(text(openRegular(file), Manifest.GOLDEN, MAX_GOLDEN_BYTES));
            vectors.check(manifest);
            return vectors;
        } catch (IOException error) {
            throw cannotRead(file.getPath(), error);
        }
    }

    /** What the model was trained on, its accuracy, its licence, in Markdown; empty where the bundle does not say. */
    public String modelCard() {
        if (!manifest.files.containsKey(Manifest.MODEL_CARD)) {
            return "";
        }
        File file = new File(folder, Manifest.MODEL_CARD);
        try {
            return text(openRegular(file), Manifest.MODEL_CARD, MAX_MANIFEST_BYTES);
        } catch (IOException error) {
            throw cannotRead(file.getPath(), error);
        }
    }

    /** Removes what was unpacked; does nothing to a folder that was opened as it is. Calling it twice is fine. */
    @Override
    public void close() {
        if (unpacked) {
            remove(folder);
        }
    }

    // -- opening -----------------------------------------------------------------------------
    private static Bundle openFolder(File path) throws IOException {
        Manifest manifest = Manifest.fromJson(folderManifest(path));
        String[] present = path.list();
        if (present == null) {
            throw new IOException("not readable");
        }
        checkListing(path.getPath(), manifest, Arrays.asList(present));
        for (Map.Entry<String, FileEntry> listed : manifest.files.entrySet()) {
            String name = listed.getKey();
            File file = new File(path, name);
            InputStream source = openRegular(file);
            try {
                checkSize(path.getPath(), name, listed.getValue(), file.length());
                Hashing hashing = Hashing.copy(source, null, listed.getValue().bytes);
                checkSize(path.getPath(), name, listed.getValue(), hashing.bytes);
                checkDigest(path.getPath(), name, listed.getValue(), hashing.sha256);
            } finally {
                source.close();
            }
        }
        return new Bundle(path.getPath(), manifest, path, false);
    }

    private static Bundle unpack(BundleFiles files, String where, File scratch) throws IOException {
        String text = manifestText(files, where);
        Manifest manifest = Manifest.fromJson(text);
        checkListing(where, manifest, files.names());
        File folder = Files.createTempDirectory(scratch.toPath(), "trm-edge-").toFile();
        boolean done = false;
        try {
            Files.write(new File(folder, Manifest.MANIFEST).toPath(), text.getBytes(StandardCharsets.UTF_8));
            for (Map.Entry<String, FileEntry> listed : manifest.files.entrySet()) {
                String name = listed.getKey();
                FileEntry entry = listed.getValue();
                long declared = files.size(name);
                if (declared >= 0) {
                    checkSize(where, name, entry, declared);
                }
                InputStream source = files.open(name);
                try {
                    Hashing hashing = Hashing.copy(source, new File(folder, name), entry.bytes);
                    checkSize(where, name, entry, hashing.bytes); // the declared one may lie
                    checkDigest(where, name, entry, hashing.sha256);
                } finally {
                    source.close();
                }
            }
            done = true;
        } finally {
            if (!done) {
                remove(folder);
            }
        }
        return new Bundle(where, manifest, folder, true);
    }

    private static void demandFile(File path) {
        if (!path.isFile()) {
            throw new InvalidBundle(
                    "No bundle at '" + path.getPath() + "': expected a folder or a .zip that 'trm-edge export' wrote");
        }
    }

    private static String folderManifest(File path) throws IOException {
        File manifest = new File(path, Manifest.MANIFEST);
        if (!manifest.exists()) {
            throw new InvalidBundle("'" + path.getPath() + "' is not a bundle: it has no " + Manifest.MANIFEST);
        }
        return text(openRegular(manifest), Manifest.MANIFEST, MAX_MANIFEST_BYTES);
    }

    private static String manifestText(BundleFiles files, String where) throws IOException {
        if (!files.names().contains(Manifest.MANIFEST)) {
            throw new InvalidBundle("'" + where + "' is not a bundle: it has no " + Manifest.MANIFEST);
        }
        return text(files.open(Manifest.MANIFEST), Manifest.MANIFEST, MAX_MANIFEST_BYTES);
    }

    // -- checks ------------------------------------------------------------------------------
    private static void checkListing(String path, Manifest manifest, List<String> present) {
        TreeSet<String> missing = new TreeSet<String>(manifest.files.keySet());
        missing.removeAll(present);
        if (!missing.isEmpty()) {
            throw new InvalidBundle("'" + path + "' lacks '" + missing.first()
                    + "', which its manifest lists: copy the bundle again");
        }
        TreeSet<String> unlisted = new TreeSet<String>();
        for (String name : present) {
            if (!Names.isLitter(name) && !name.equals(Manifest.MANIFEST) && !manifest.files.containsKey(name)) {
                unlisted.add(name);
            }
        }
        if (!unlisted.isEmpty()) {
            throw new InvalidBundle("'" + path + "' holds " + Show.quoted(unlisted.first())
                    + ", which its manifest does not list: remove it");
        }
    }

    private static void checkSize(String path, String name, FileEntry entry, long size) {
        if (name.equals(Manifest.GOLDEN) && size > MAX_GOLDEN_BYTES) {
            throw new InvalidBundle("'" + name + "' in '" + path + "' is " + size + " bytes, at most "
                    + MAX_GOLDEN_BYTES + " are allowed");
        }
        if (size != entry.bytes) {
            throw new InvalidBundle("'" + name + "' in '" + path + "' is " + size + " bytes, its manifest says "
                    + entry.bytes + ": copy the bundle again");
        }
    }

    private static void checkDigest(String path, String name, FileEntry entry, String digest) {
        if (!digest.equals(entry.sha256)) {
            throw new InvalidBundle("'" + name + "' in '" + path
                    + "' does not match its SHA-256: damaged or changed, copy the bundle again");
        }
    }

    /** Opens a file that is neither a link (out of the bundle) nor a device or pipe (which would hang). */
    private static InputStream openRegular(File file) throws IOException {
        if (!Files.isRegularFile(file.toPath(), LinkOption.NOFOLLOW_LINKS)) {
            throw new InvalidBundle(
                    "'" + file.getPath() + "' is not a regular file: links are not allowed in a bundle");
        }
        return new FileInputStream(file);
    }

    private static String text(InputStream source, String name, int limit) throws IOException {
        try {
            return Hashing.text(source, name, limit);
        } finally {
            source.close();
        }
    }

    private static void remove(File folder) {
        File[] files = folder.listFiles();
        if (files != null) {
            for (File file : files) {
                file.delete();
            }
        }
        folder.delete();
    }

    private static TrmEdgeException cannotRead(String path, IOException error) {
        return new TrmEdgeException("Cannot read '" + path + "': " + Show.oneLine(error), error);
    }
}
