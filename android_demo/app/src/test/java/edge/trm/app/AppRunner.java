package edge.trm.app;

import org.junit.runners.model.FrameworkMethod;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.internal.bytecode.InstrumentationConfiguration;

/** Robolectric with the real ONNX Runtime, whose native library loads once a process: it stays out of the sandboxes. */
public final class AppRunner extends RobolectricTestRunner {
    public AppRunner(Class<?> test) throws Exception {
        super(test);
    }

    @Override protected InstrumentationConfiguration createClassLoaderConfig(FrameworkMethod method) {
        InstrumentationConfiguration usual = super.createClassLoaderConfig(method);
        return new InstrumentationConfiguration.Builder(usual).doNotAcquirePackage("ai.onnxruntime.").build();
    }
}
