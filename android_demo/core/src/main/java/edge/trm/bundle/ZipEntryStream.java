package edge.trm.bundle;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The bytes of one entry of an archive, stored or deflated, never more than it declares, its checksum compared at the
 * end. Reads from a file that others read, too: one stream at a time.
 */
final class ZipEntryStream extends InputStream {
    private static final int LOCAL = 0x04034b50;
    private static final int LOCAL_BYTES = 30;
    private static final int STORED = 0;
    private static final int DEFLATED = 8;

    private final RandomAccessFile file;
    private final Zip.Entry entry;
    private final String path;
    private final Inflater inflater;
    private final byte[] packed = new byte[1 << 16];
    private final CRC32 crc = new CRC32();
    private long at;
    private long packedLeft;
    private long left;
    private boolean ended;

    private ZipEntryStream(RandomAccessFile file, Zip.Entry entry, String path, long at) {
        this.file = file;
        this.entry = entry;
        this.path = path;
        this.at = at;
        packedLeft = entry.packed;
        left = entry.size;
        inflater = entry.method == DEFLATED ? new Inflater(true) : null;
    }

    static ZipEntryStream open(RandomAccessFile file, Zip.Entry entry, String path) throws IOException {
        byte[] header = new byte[LOCAL_BYTES];
        byte[] name = new byte[entry.rawName.length];
        try {
            file.seek(entry.offset);
            file.readFully(header);
            file.readFully(name);
        } catch (EOFException error) {
            throw new InvalidBundle("'" + path + "' is not a readable zip: it ends too early");
        }
        ByteBuffer local = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
        int nameBytes = local.getShort(26) & 0xffff;
        if (local.getInt(0) != LOCAL || nameBytes != name.length || !Arrays.equals(name, entry.rawName)) {
            throw new InvalidBundle("'" + path + "' is not a readable zip: '" + entry.name + "' is not where it says");
        }
        if (entry.method != STORED && entry.method != DEFLATED) {
            throw new InvalidBundle("'" + path + "' is not a readable zip: '" + entry.name
                    + "' is compressed by method " + entry.method + ", only stored and deflated ones can be read");
        }
        int skip = nameBytes + (local.getShort(28) & 0xffff);
        return new ZipEntryStream(file, entry, path, entry.offset + LOCAL_BYTES + skip);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int from, int most) throws IOException {
        if (most == 0) {
            return 0;
        }
        int count = left == 0 ? 0 : next(buffer, from, (int) Math.min(most, left));
        if (count == 0) {
            end();
            return -1;
        }
        crc.update(buffer, from, count);
        left -= count;
        return count;
    }

    @Override
    public void close() {
        if (inflater != null) {
            inflater.end();
        }
    }

    private int next(byte[] buffer, int from, int most) throws IOException {
        if (inflater == null) {
            return raw(buffer, from, most);
        }
        try {
            while (true) {
                int count = inflater.inflate(buffer, from, most);
                if (count > 0 || inflater.finished()) {
                    return count;
                }
                if (inflater.needsDictionary()) {
                    throw damaged("it asks for a dictionary");
                }
                int more = raw(packed, 0, packed.length);
                if (more == 0) {
                    return 0;
                }
                inflater.setInput(packed, 0, more);
            }
        } catch (DataFormatException error) {
            throw damaged(error.getMessage() == null ? "damaged" : error.getMessage());
        }
    }

    private int raw(byte[] buffer, int from, int most) throws IOException {
        int wanted = (int) Math.min(most, packedLeft);
        if (wanted == 0) {
            return 0;
        }
        file.seek(at);
        int count = file.read(buffer, from, wanted);
        if (count <= 0) {
            throw damaged("it ends too early");
        }
        at += count;
        packedLeft -= count;
        return count;
    }

    private void end() {
        if (!ended && crc.getValue() != entry.crc) {
            throw damaged("Bad CRC-32");
        }
        ended = true;
    }

    private InvalidBundle damaged(String why) {
        return new InvalidBundle("'" + path + "' is not a readable zip: '" + entry.name + "': " + why);
    }
}
