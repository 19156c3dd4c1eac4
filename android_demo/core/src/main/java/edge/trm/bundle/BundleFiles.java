package edge.trm.bundle;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * Where the files of a bundle come from, if not from a folder: an archive, an app's assets. Names are plain, without
 * folders. What is read is checked; an implementation only has to find it.
 */
public interface BundleFiles {
    /** Names of all files, the manifest among them. */
    List<String> names() throws IOException;

    /** Opens a file; the caller closes it, and stops reading at the size that it expects. */
    InputStream open(String name) throws IOException;

    /** Bytes of a file as declared, or -1 where that is not known before it is read. */
    long size(String name) throws IOException;
}
