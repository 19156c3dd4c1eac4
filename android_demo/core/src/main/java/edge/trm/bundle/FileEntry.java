package edge.trm.bundle;

/** SHA-256 (lower-case hexadecimal) and size of one file of a bundle. */
public final class FileEntry {
    public final String sha256;
    public final long bytes;

    FileEntry(String sha256, long bytes) {
        this.sha256 = sha256;
        this.bytes = bytes;
    }
}
