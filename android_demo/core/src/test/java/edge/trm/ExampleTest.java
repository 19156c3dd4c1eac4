package edge.trm;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.junit.Test;

/** What the README shows is what compiles and runs. */
public class ExampleTest {
    private static String read(String path) throws Exception {
        return new String(Files.readAllBytes(new File(path).toPath()), StandardCharsets.UTF_8);
    }

    @Test
    public void theReadmeShowsTheExample() throws Exception {
        String source = read("src/test/java/edge/trm/Example.java");
        String shown = source.substring(source.indexOf("import"));
        assertTrue(read("../README.md").contains("```java\n" + shown + "```\n"));
        assertTrue("at most 20 lines", shown.split("\n").length <= 20);
    }

    @Test
    public void theExampleRuns() throws Exception {
        File bundle = new File(Python.fixtures(), "bundles/sudoku-4x4.fp32.onnx-step");
        PrintStream out = System.out;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setOut(new PrintStream(said, true, "UTF-8"));
        try {
            Example.main(new String[] {bundle.getPath(), "1...2.......3..4"});
        } finally {
            System.setOut(out);
        }
        String text = said.toString("UTF-8");
        assertTrue(text, text.startsWith("step 1: halts with 0."));
        assertTrue(text, text.contains(", obeys the rules: "));
    }

    @Test
    public void theVersionIsThatOfThePackage() throws Exception {
        assertTrue(read("../../trm_edge/__init__.py").contains("__version__ = \"" + Version.VERSION + "\""));
        assertTrue(read("pom.xml").contains("<version>" + Version.VERSION + "</version>"));
        assertTrue(read("build.gradle").contains("version = '" + Version.VERSION + "'"));
        String ort = read("../pom.xml").replaceAll("(?s).*<onnxruntime.version>(.*)</onnxruntime.version>.*", "$1");
        assertEquals("both builds compile against one ONNX Runtime", 3,
                read("build.gradle").split("onnxruntime:" + ort.replace(".", "\\.") + "'", -1).length);
    }
}
