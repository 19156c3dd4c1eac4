package edge.trm.profile;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** Memory of this process, as Linux and Android tell it. */
public final class Memory {
    private Memory() {}

    /** Bytes of this process that lie in memory now; 0 where the system does not say. */
    public static long resident() {
        try {
            BufferedReader lines = new BufferedReader(
                    new InputStreamReader(new FileInputStream("/proc/self/status"), StandardCharsets.US_ASCII));
            try {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (line.startsWith("VmRSS:")) {
                        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
                    }
                }
            } finally {
                lines.close();
            }
        } catch (IOException error) {
            return 0; // no such file on this system
        }
        return 0;
    }
}
