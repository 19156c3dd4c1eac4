package edge.trm.bundle;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Reading streams to a limit: copies with their SHA-256, and texts in UTF-8. */
final class Hashing {
    private static final int CHUNK = 1 << 18;

    final String sha256;
    final long bytes;

    private Hashing(String sha256, long bytes) {
        this.sha256 = sha256;
        this.bytes = bytes;
    }

    /**
     * Reads to the end, or just beyond {@code limit} bytes, which the caller then refuses.
     *
     * @param target a new file to write to, or null
     */
    static Hashing copy(InputStream source, File target, long limit) throws IOException {
        MessageDigest digest = sha256();
        byte[] chunk = new byte[CHUNK];
        long size = 0;
        OutputStream out = target == null ? null : new FileOutputStream(target);
        try {
            int count;
            while (size <= limit && (count = source.read(chunk)) >= 0) {
                digest.update(chunk, 0, count);
                size += count;
                if (out != null) {
                    out.write(chunk, 0, count);
                }
            }
        } finally {
            if (out != null) {
                out.close();
            }
        }
        return new Hashing(hex(digest.digest()), size);
    }

    /** All of a stream as text; refused above {@code limit} bytes. */
    static String text(InputStream source, String name, int limit) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] chunk = new byte[CHUNK];
        int count;
        while ((count = source.read(chunk)) >= 0) {
            bytes.write(chunk, 0, count);
            if (bytes.size() > limit) {
                throw new InvalidBundle("'" + name + "' is larger than " + limit + " bytes");
            }
        }
        try {
            return StandardCharsets.UTF_8.newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
        } catch (CharacterCodingException error) {
            throw new InvalidBundle("'" + name + "' is not UTF-8 text");
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error); // every Java has it
        }
    }

    private static String hex(byte[] bytes) {
        StringBuilder hex = new StringBuilder();
        for (byte b : bytes) {
            hex.append(Character.forDigit((b >> 4) & 15, 16)).append(Character.forDigit(b & 15, 16));
        }
        return hex.toString();
    }
}
