package edge.trm.engine;

import edge.trm.InvalidInput;
import edge.trm.bundle.Bundle;
import edge.trm.bundle.Format;
import edge.trm.bundle.InvalidBundle;

/** Opens a bundle in the engine that its file format asks for. */
public final class Engines {
    private Engines() {}

    /** With threads and provider of the engine's own choice. */
    public static Engine open(Bundle bundle) {
        return open(bundle, null, null);
    }

    /**
     * Opens a bundle.
     *
     * @param threads for one call; null: the library's own choice
     * @param provider name of one of {@link Providers#offers}; null: the first of them. ExecuTorch programs have theirs
     *     inside.
     * @throws InvalidInput threads below 1, or no such provider
     * @throws InvalidBundle the graph cannot be loaded, or is not what the manifest says
     */
    public static Engine open(Bundle bundle, Integer threads, String provider) {
        if (bundle.manifest.format == Format.EXECUTORCH) {
            return ExecuTorchEngine.open(bundle, threads);
        }
        Providers.Choice choice =
                provider == null ? null : Providers.named(provider, bundle.manifest, Providers.available());
        return OrtEngine.open(bundle, threads, choice);
    }
}
