package edge.trm.bundle;

import edge.trm.text.Show;
import java.io.Closeable;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The {@code .zip} form of a bundle, read from its central directory: {@code java.util.zip} hides links, encryption and
 * duplicate names. Knows the traps of archives; hashes are checked by its caller. Nothing is extracted by name: the
 * caller asks for the names that the manifest lists.
 */
final class Zip implements BundleFiles, Closeable {
    private static final int END = 0x06054b50;
    private static final int END_64 = 0x06064b50;
    private static final int LOCATOR_64 = 0x07064b50;
    private static final int ENTRY = 0x02014b50;
    private static final int END_BYTES = 22;
    private static final int MAX_COMMENT = 65535;
    private static final int MAX_DIRECTORY = 16 << 20;
    private static final long UNSIGNED = 0xffffffffL;
    private static final int ENCRYPTED = 1;
    private static final int UTF_8 = 0x800;
    private static final int FORMAT_MASK = 0170000;
    private static final int REGULAR = 0100000;

    private final String path;
    private final RandomAccessFile file;
    private final Map<String, Entry> members;

    /** What the central directory says of one entry. */
    static final class Entry {
        String name;
        byte[] rawName;
        int flags;
        int method;
        long crc;
        long packed;
        long size;
        long offset;
        int mode;
    }

    Zip(File path) throws IOException {
        this.path = path.getPath();
        file = new RandomAccessFile(path, "r");
        boolean opened = false;
        try {
            members = members(directory());
            opened = true;
        } catch (EOFException error) {
            throw unreadable("it ends too early");
        } finally {
            if (!opened) {
                file.close();
            }
        }
    }

    @Override
    public List<String> names() {
        return new ArrayList<String>(members.keySet());
    }

    @Override
    public long size(String name) {
        return member(name).size;
    }

    /** The caller stops at the size that it expects: the declared one may lie. */
    @Override
    public InputStream open(String name) throws IOException {
        return ZipEntryStream.open(file, member(name), path);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    private Entry member(String name) {
        Entry entry = members.get(name);
        if (entry == null) {
            throw new InvalidBundle("'" + path + "' is not a bundle: it has no " + name);
        }
        return entry;
    }

    private InvalidBundle unreadable(String why) {
        return new InvalidBundle("'" + path + "' is not a readable zip: " + why);
    }

    // -- the central directory ---------------------------------------------------------------
    private List<Entry> directory() throws IOException {
        long length = file.length();
        int tail = (int) Math.min(length, END_BYTES + MAX_COMMENT);
        ByteBuffer end = read(length - tail, tail);
        int at = tail - END_BYTES;
        while (at >= 0 && !(end.getInt(at) == END && at + END_BYTES + (end.getShort(at + 20) & 0xffff) <= tail)) {
            at--;
        }
        if (at < 0) {
            throw unreadable("File is not a zip file");
        }
        long endAt = length - tail + at;
        long count = end.getShort(at + 10) & 0xffff;
        long size = end.getInt(at + 12) & UNSIGNED;
        long offset = end.getInt(at + 16) & UNSIGNED;
        if (endAt >= 20) {
            ByteBuffer locator = read(endAt - 20, 20);
            if (locator.getInt(0) == LOCATOR_64) {
                long at64 = endAt - 20 - 56;
                ByteBuffer end64 = at64 < 0 ? locator : read(at64, 56);
                if (end64.getInt(0) != END_64) {
                    throw unreadable("its zip64 end is damaged");
                }
                count = end64.getLong(32);
                size = end64.getLong(40);
                offset = end64.getLong(48);
                endAt = at64;
            }
        }
        long before = endAt - size - offset; // bytes that were put in front of the archive
        if (size < 0 || offset < 0 || before < 0 || size > MAX_DIRECTORY) {
            throw unreadable("its directory is damaged");
        }
        return entries(read(offset + before, (int) size), count, before);
    }

    private List<Entry> entries(ByteBuffer directory, long count, long before) {
        List<Entry> entries = new ArrayList<Entry>();
        while (directory.remaining() > 0) {
            if (directory.remaining() < 46 || directory.getInt(directory.position()) != ENTRY) {
                throw unreadable("its directory is damaged");
            }
            int at = directory.position();
            Entry entry = new Entry();
            entry.flags = directory.getShort(at + 8) & 0xffff;
            entry.method = directory.getShort(at + 10) & 0xffff;
            entry.crc = directory.getInt(at + 16) & UNSIGNED;
            entry.packed = directory.getInt(at + 20) & UNSIGNED;
            entry.size = directory.getInt(at + 24) & UNSIGNED;
            int nameBytes = directory.getShort(at + 28) & 0xffff;
            int extraBytes = directory.getShort(at + 30) & 0xffff;
            int commentBytes = directory.getShort(at + 32) & 0xffff;
            entry.mode = directory.getShort(at + 40) & 0xffff;
            entry.offset = directory.getInt(at + 42) & UNSIGNED;
            if (directory.remaining() < 46 + nameBytes + extraBytes + commentBytes) {
                throw unreadable("its directory is damaged");
            }
            byte[] name = new byte[nameBytes];
            directory.position(at + 46);
            directory.get(name);
            entry.rawName = name;
            boolean utf8 = (entry.flags & UTF_8) != 0;
            entry.name = new String(name, utf8 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1);
            zip64(directory, at + 46 + nameBytes, extraBytes, entry);
            entry.offset += before;
            directory.position(at + 46 + nameBytes + extraBytes + commentBytes);
            entries.add(entry);
        }
        if (entries.size() != count) {
            throw unreadable("its directory holds " + entries.size() + " entries, it says " + count);
        }
        return entries;
    }

    /** Sizes beyond 4 GiB stand in an extra field, only those that do not fit. */
    private void zip64(ByteBuffer directory, int from, int bytes, Entry entry) {
        int at = from;
        while (at + 4 <= from + bytes) {
            int kind = directory.getShort(at) & 0xffff;
            int length = directory.getShort(at + 2) & 0xffff;
            int next = at + 4;
            at = next + length;
            if (at > from + bytes) {
                throw unreadable("an extra field is damaged");
            }
            if (kind != 1) {
                continue;
            }
            long[] values = {entry.size, entry.packed, entry.offset};
            for (int i = 0; i < values.length; i++) {
                if (values[i] == UNSIGNED) {
                    if (next + 8 > at || directory.getLong(next) < 0) {
                        throw unreadable("a zip64 field is damaged");
                    }
                    values[i] = directory.getLong(next);
                    next += 8;
                }
            }
            entry.size = values[0];
            entry.packed = values[1];
            entry.offset = values[2];
        }
    }

    private ByteBuffer read(long from, int count) throws IOException {
        byte[] bytes = new byte[count];
        file.seek(from);
        file.readFully(bytes);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    // -- what may be in a bundle --------------------------------------------------------------

    /** Entries by plain name. All may lie in one top folder, as in archives made by hand. */
    private Map<String, Entry> members(List<Entry> all) {
        List<Entry> files = new ArrayList<Entry>();
        for (Entry entry : all) {
            if (!entry.name.startsWith("__MACOSX/") && !entry.name.endsWith("/")) {
                files.add(entry);
            }
        }
        String top = top(files);
        Map<String, Entry> members = new LinkedHashMap<String, Entry>();
        for (Entry entry : files) {
            String name = entry.name.startsWith(top) ? entry.name.substring(top.length()) : entry.name;
            if (Names.isLitter(name)) {
                continue;
            }
            String reason = name.equals(Manifest.MANIFEST) ? null : Names.unsafe(name);
            if (reason != null) {
                throw new InvalidBundle(
                        "'" + path + "' holds the unsafe name " + Show.quoted(entry.name) + ": " + reason);
            }
            if (members.containsKey(name)) {
                throw new InvalidBundle("'" + path + "' holds " + Show.quoted(name) + " twice");
            }
            int kind = entry.mode & FORMAT_MASK;
            if (kind != 0 && kind != REGULAR) {
                throw new InvalidBundle(Show.quoted(name) + " in '" + path
                        + "' is not a regular file: links are not allowed in a bundle");
            }
            if ((entry.flags & ENCRYPTED) != 0) {
                throw new InvalidBundle(Show.quoted(name) + " in '" + path + "' is encrypted: a bundle must not be");
            }
            members.put(name, entry);
        }
        if (members.size() > Manifest.MAX_FILES + 1) {
            throw new InvalidBundle("'" + path + "' holds " + members.size() + " files, at most "
                    + (Manifest.MAX_FILES + 1) + " are allowed");
        }
        return members;
    }

    private static String top(List<Entry> files) {
        String top = "";
        for (Entry entry : files) {
            if (entry.name.equals(Manifest.MANIFEST)) {
                return "";
            }
            if (top.isEmpty() && entry.name.endsWith("/" + Manifest.MANIFEST)) {
                top = entry.name.substring(0, entry.name.length() - Manifest.MANIFEST.length());
            }
        }
        boolean one = top.indexOf('/') == top.length() - 1;
        return !top.isEmpty() && one && Names.unsafe(top.substring(0, top.length() - 1)) == null ? top : "";
    }
}
