package edge.trm.vectors;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;

import edge.trm.bundle.Golden;
import edge.trm.bundle.Manifest;
import edge.trm.solve.Halts;
import edge.trm.solve.Policy;
import edge.trm.solve.Solution;
import edge.trm.tasks.Grid;
import edge.trm.tasks.Task;
import edge.trm.tasks.Tasks;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Every case of tests/vectors that needs no bundle: the same words and numbers as in Python. */
public class VectorsTest {
    @Test
    public void tasks() throws Exception {
        Vectors vectors = new Vectors(Vectors.folder(), "tasks.json");
        vectors.section("tasks", new Vectors.Case() {
            @Override
            public void replay(final Map<String, Object> given) throws Exception {
                if (given.containsKey("says")) {
                    Vectors.refused(given, new Vectors.Action() {
                        @Override
                        public void run() {
                            Tasks.get((String) given.get("id"));
                        }
                    });
                    return;
                }
                Task task = Tasks.get((String) given.get("id"));
                assertEquals(task.id, Tasks.get(task.id).id);
                assertEquals(given.get("seq_len"), (long) task.seqLen);
                assertEquals(given.get("vocab_size"), (long) task.vocabSize);
            }
        });
        vectors.section("parse", new Vectors.Case() {
            @Override
            public void replay(final Map<String, Object> given) throws Exception {
                final Task task = task(given);
                if (given.containsKey("says")) {
                    Vectors.refused(given, new Vectors.Action() {
                        @Override
                        public void run() {
                            task.parse((String) given.get("text"));
                        }
                    });
                    return;
                }
                assertEquals(grid(given.get("grid")), task.parse((String) given.get("text")).question);
            }
        });
        vectors.section("format", new Vectors.Case() {
            @Override
            public void replay(final Map<String, Object> given) throws Exception {
                if (given.containsKey("says")) {
                    Vectors.refused(given, new Vectors.Action() {
                        @Override
                        public void run() {
                            task(given).format(grid(given.get("grid")));
                        }
                    });
                    return;
                }
                assertEquals(given.get("text"), task(given).format(grid(given.get("grid"))));
            }
        });
        vectors.section("encode", new Vectors.Case() {
            @Override
            public void replay(final Map<String, Object> given) throws Exception {
                if (given.containsKey("says")) {
                    Vectors.refused(given, new Vectors.Action() {
                        @Override
                        public void run() {
                            task(given).encode(grid(given.get("grid")));
                        }
                    });
                    return;
                }
                assertArrayEquals(numbers(given.get("tokens")), task(given).encode(grid(given.get("grid"))));
            }
        });
        vectors.section("decode", new Vectors.Case() {
            @Override
            public void replay(Map<String, Object> given) {
                assertEquals(grid(given.get("grid")), task(given).decode(numbers(given.get("tokens"))));
            }
        });
        vectors.section("check", new Vectors.Case() {
            @Override
            public void replay(Map<String, Object> given) {
                Task task = task(given);
                Grid question = grid(given.get("question"));
                Grid answer = grid(given.get("answer"));
                assertEquals(given.get("reason"), task.check(question, answer));
                assertEquals(given.get("solved"), task.solved(task.encode(question), task.encode(answer)));
            }
        });
        vectors.done();
    }

    @Test
    public void halting() throws Exception {
        Vectors vectors = new Vectors(Vectors.folder(), "halting.json");
        vectors.section("cases", new Vectors.Case() {
            @Override
            public void replay(Map<String, Object> given) {
                Solution solution = Halts.replay(
                        (String) given.get("policy"),
                        ((Long) given.get("budget")).intValue(),
                        Vectors.list(given.get("q")),
                        Vectors.list(given.get("answers")),
                        Vectors.list(given.get("solves")));
                Map<String, Object> expect = Vectors.object(given.get("expect"));
                assertEquals(expect.get("step"), (long) solution.steps);
                assertEquals(expect.get("halted"), solution.halted);
                assertEquals(expect.get("answer"), (long) solution.answer[0]);
            }
        });
        vectors.section("canonical", new Vectors.Case() {
            @Override
            public void replay(Map<String, Object> given) {
                assertEquals(given.get("text"), Policy.parse((String) given.get("key")).toString());
            }
        });
        vectors.section("refused", new Vectors.Case() {
            @Override
            public void replay(final Map<String, Object> given) throws Exception {
                Vectors.refused(given, new Vectors.Action() {
                    @Override
                    public void run() {
                        Policy.parse((String) given.get("text"));
                    }
                });
            }
        });
        vectors.done();
    }

    /** Reads one kind of document. */
    private interface Reader {
        void read(String text);
    }

    @Test
    public void manifests() throws Exception {
        documents("refusals.json", new Reader() {
            @Override
            public void read(String text) {
                Manifest.fromJson(text);
            }
        });
    }

    @Test
    public void goldenVectors() throws Exception {
        final Manifest manifest =
                Manifest.fromJson(new Vectors(Vectors.folder(), "refusals.json").changed(Vectors.object(EMPTY)));
        documents("golden_refusals.json", new Reader() {
            @Override
            public void read(String text) {
                Golden.fromJson(text).check(manifest);
            }
        });
    }

    private static final Object EMPTY = new java.util.LinkedHashMap<String, Object>();

    private static void documents(String file, final Reader reader) throws Exception {
        final Vectors vectors = new Vectors(Vectors.folder(), file);
        for (final String section : vectors.document.keySet()) {
            final boolean whole = section.equals("not_json");
            if (section.equals("about") || section.startsWith("base")) {
                continue;
            }
            vectors.section(section, new Vectors.Case() {
                @Override
                public void replay(Map<String, Object> given) throws Exception {
                    final String text = whole ? (String) given.get("text")
                            : section.endsWith("_text") ? vectors.replaced(given) : vectors.changed(given);
                    if (section.startsWith("accepted")) {
                        reader.read(text);
                        return;
                    }
                    Vectors.refused(given, new Vectors.Action() {
                        @Override
                        public void run() {
                            reader.read(text);
                        }
                    });
                }
            });
        }
        vectors.done();
    }

    private static Task task(Map<String, Object> given) {
        return Tasks.get((String) given.get("task"));
    }

    private static int[] numbers(Object value) {
        List<?> items = Vectors.list(value);
        int[] numbers = new int[items.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = ((Long) items.get(i)).intValue();
        }
        return numbers;
    }

    private static Grid grid(Object value) {
        List<?> rows = Vectors.list(value);
        int[][] cells = new int[rows.size()][];
        for (int row = 0; row < cells.length; row++) {
            cells[row] = numbers(rows.get(row));
        }
        return Grid.of(cells);
    }
}
