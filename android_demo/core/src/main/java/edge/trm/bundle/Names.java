package edge.trm.bundle;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/** Names of files in a bundle: flat and portable, so that none leads out of it. */
final class Names {
    private static final String ALLOWED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    private static final Set<String> LITTER =
            new HashSet<String>(Arrays.asList(".ds_store", "thumbs.db", "desktop.ini"));

    private Names() {}

    /** Why a name cannot name a file of a bundle, or null. */
    static String unsafe(String name) {
        boolean allowed = !name.isEmpty() && name.length() <= 100;
        for (int i = 0; allowed && i < name.length(); i++) {
            allowed = ALLOWED.indexOf(name.charAt(i)) >= 0;
        }
        if (!allowed) {
            return "use 1 to 100 letters, digits, '.', '_' and '-', without folders";
        }
        if (name.startsWith(".") || name.startsWith("-") || name.endsWith(".")) {
            return "it must not start with '.' or '-' nor end with '.'";
        }
        return lower(name).equals(Manifest.MANIFEST) ? "that is the manifest itself" : null;
    }

    /** Whether an operating system left this file in a folder it showed. */
    static boolean isLitter(String name) {
        return LITTER.contains(lower(name)) || name.startsWith("._");
    }

    static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
