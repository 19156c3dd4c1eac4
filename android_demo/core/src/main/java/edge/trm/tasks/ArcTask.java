package edge.trm.tasks;

import edge.trm.InvalidInput;
import edge.trm.json.InvalidJson;
import edge.trm.json.Json;
import edge.trm.text.Show;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * ARC grids on a square canvas. A grid holds colours 0 to 9 and has any size up to the canvas; tokens are 0 pad, 1 end
 * of row or column, colour c = c + 2, row by row over the canvas. ARC has no rules to check an answer by.
 */
public final class ArcTask extends Task {
    private static final int COLOURS = 10;
    private static final int END = 1;
    private static final int FIRST_COLOUR = 2;
    private static final int MIN_SIDE = 2;
    private static final int MAX_SIDE = 30;
    private static final Pattern ID = Pattern.compile("arc-([0-9]{1,2})x([0-9]{1,2})");

    /** Side of the canvas, in cells. */
    public final int canvas;

    private ArcTask(int canvas) {
        super("arc", "arc-" + canvas + "x" + canvas, canvas * canvas, COLOURS + FIRST_COLOUR, false);
        this.canvas = canvas;
    }

    static ArcTask fromId(String id) {
        Matcher match = ID.matcher(id);
        if (!match.matches() || !match.group(1).equals(match.group(2))) {
            throw new InvalidInput("Task id '" + id + "': an ARC canvas is named arc-NxN, for example arc-30x30");
        }
        int canvas = Integer.parseInt(match.group(1));
        if (canvas < MIN_SIDE || canvas > MAX_SIDE) {
            throw new InvalidInput("An ARC canvas of " + canvas + "x" + canvas + " cells: its side is " + MIN_SIDE
                    + " to " + MAX_SIDE);
        }
        return new ArcTask(canvas);
    }

    // -- text --------------------------------------------------------------------------------

    /**
     * One grid, as rows of digits on lines or between slashes ({@code 012/345}), or as JSON ({@code [[0,1],[2,3]]}); or
     * an ARC task as JSON, of which the first test pair is taken.
     */
    @Override
    public Puzzle parse(String text) {
        int first = 0;
        while (first < text.length() && Lines.isSpace(text.charAt(first))) {
            first++;
        }
        if (!text.startsWith("[", first) && !text.startsWith("{", first)) {
            return new Puzzle(digits(text));
        }
        Object document = json(text);
        return document instanceof List ? new Puzzle(grid(document, "the grid")) : firstPair(document);
    }

    /** Rows of digits between slashes: {@code 012/345}. */
    @Override
    public String format(Grid grid) {
        valid(grid);
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < grid.size(); i++) {
            line.append(i > 0 && i % grid.columns == 0 ? "/" : "").append(grid.cell(i));
        }
        return line.toString();
    }

    private Grid digits(String text) {
        List<Object> rows = new ArrayList<Object>();
        for (String part : text.split("[/\n]", -1)) {
            List<Object> row = new ArrayList<Object>();
            for (int at = 0; at < part.length(); ) {
                int c = part.codePointAt(at);
                at += Character.charCount(c);
                if (c == ',' || Lines.isSpace(c)) {
                    continue;
                }
                if (c < '0' || c > '9') {
                    throw new InvalidPuzzle("row " + (rows.size() + 1) + ", column " + (row.size() + 1) + " is "
                            + Show.quoted(new String(Character.toChars(c))) + "; colours are the digits 0 to 9");
                }
                row.add((long) (c - '0'));
            }
            if (!row.isEmpty()) {
                rows.add(row);
            }
        }
        return grid(rows, "the grid");
    }

    private Puzzle firstPair(Object document) {
        if (!(document instanceof Map) || ((Map<?, ?>) document).isEmpty()) {
            throw new InvalidPuzzle("not an ARC task: expected {\"train\": [...], \"test\": [...]} or a map from names"
                    + " to such");
        }
        Map<?, ?> tasks = (Map<?, ?>) document;
        boolean named = !tasks.containsKey("train") && !tasks.containsKey("test");
        String name = named ? (String) tasks.keySet().iterator().next() : "";
        Object task = named ? tasks.get(name) : document;
        if (!(task instanceof Map) || !((Map<?, ?>) task).containsKey("test")) {
            throw new InvalidPuzzle((name.isEmpty() ? "the document" : name)
                    + ": an ARC task is an object with \"train\" and \"test\"");
        }
        String path = named ? name + "." : "";
        Object pairs = ((Map<?, ?>) task).get("test");
        if (!(pairs instanceof List) || ((List<?>) pairs).isEmpty()) {
            throw new InvalidPuzzle(path + "test: expected a list of pairs, at least one in test");
        }
        Object pair = ((List<?>) pairs).get(0);
        path += "test[0]";
        if (!(pair instanceof Map) || !((Map<?, ?>) pair).containsKey("input")) {
            throw new InvalidPuzzle(path + ": expected an object with \"input\" and \"output\"");
        }
        Grid question = grid(((Map<?, ?>) pair).get("input"), path + ".input");
        Object output = ((Map<?, ?>) pair).get("output"); // left out where the answer is secret
        return new Puzzle(question, output == null ? null : grid(output, path + ".output"), 0);
    }

    private Grid grid(Object value, String path) {
        boolean cells = value instanceof List && !((List<?>) value).isEmpty();
        for (Object row : cells ? (List<?>) value : new ArrayList<Object>()) {
            cells &= row instanceof List && !((List<?>) row).isEmpty();
        }
        if (!cells) {
            throw new InvalidPuzzle(path + " has no cells; expected rows of colours 0 to 9");
        }
        List<?> rows = (List<?>) value;
        int height = rows.size();
        int width = ((List<?>) rows.get(0)).size();
        if (Math.max(height, width) > canvas) {
            throw new InvalidPuzzle(path + " has " + height + "x" + width + " cells; " + id + " holds " + canvas + "x"
                    + canvas + " at most");
        }
        int[] found = new int[height * width];
        for (int number = 0; number < height; number++) {
            List<?> row = (List<?>) rows.get(number);
            if (row.size() != width) {
                throw new InvalidPuzzle(
                        path + ": row " + (number + 1) + " has " + row.size() + " cells, row 1 has " + width);
            }
            for (int column = 0; column < width; column++) {
                Object colour = row.get(column);
                if (!(colour instanceof Long) || (Long) colour < 0 || (Long) colour >= COLOURS) {
                    throw new InvalidPuzzle(path + ": row " + (number + 1) + ", column " + (column + 1) + " is "
                            + Show.cut(Show.value(colour), 20) + "; colours are 0 to 9");
                }
                found[number * width + column] = ((Long) colour).intValue();
            }
        }
        return Grid.of(height, width, found);
    }

    private static Object json(String text) {
        try {
            return Json.parse(text);
        } catch (InvalidJson error) {
            if (error.beyondLimits) {
                throw new InvalidPuzzle(
                        "not an ARC task: a number is too long, or the JSON is nested too deeply");
            }
            throw new InvalidPuzzle("line " + error.line + ", column " + error.column + ": not readable as JSON ("
                    + error.reason + ")");
        }
    }

    // -- tokens ------------------------------------------------------------------------------

    /** Colours + 2 in the top left corner, ends below and right of them where they fit, pads elsewhere. */
    @Override
    public int[] encode(Grid grid) {
        valid(grid);
        int[] tokens = new int[seqLen];
        for (int row = 0; row <= Math.min(grid.rows, canvas - 1); row++) {
            for (int column = 0; column <= Math.min(grid.columns, canvas - 1); column++) {
                boolean below = row == grid.rows;
                boolean right = column == grid.columns;
                int end = below && right ? 0 : END;
                tokens[row * canvas + column] = below || right ? end : grid.get(row, column) + FIRST_COLOUR;
            }
        }
        return tokens;
    }

    /**
     * The largest rectangle of colours from the top left corner, the first of the largest. No colour in the corner
     * gives an empty grid [0, 0].
     */
    @Override
    public Grid decode(int[] tokens) {
        int width = canvas;
        int best = 0;
        int rows = 1;
        int columns = 0;
        for (int row = 0; row < canvas; row++) {
            int reach = 0;
            while (reach < width && isColour(tokens[row * canvas + reach])) {
                reach++;
            }
            width = reach;
            if (width * (row + 1) > best) {
                best = width * (row + 1);
                rows = row + 1;
                columns = width;
            }
        }
        if (columns == 0) {
            return Grid.of(0, 0, new int[0]);
        }
        int[] cells = new int[rows * columns];
        for (int i = 0; i < cells.length; i++) {
            cells[i] = tokens[i / columns * canvas + i % columns] - FIRST_COLOUR;
        }
        return Grid.of(rows, columns, cells);
    }

    private static boolean isColour(int token) {
        return token >= FIRST_COLOUR && token < FIRST_COLOUR + COLOURS;
    }

    // -- rules -------------------------------------------------------------------------------

    /** Always a reason: nothing in an ARC question tells which answer is right. */
    @Override
    public String check(Grid question, Grid answer) {
        return "ARC has no rules to check an answer by: compare it with the known output";
    }

    @Override
    public boolean solved(int[] question, int[] answer) {
        return false;
    }

    private Grid valid(Grid grid) {
        if (grid.size() == 0 || Math.max(grid.rows, grid.columns) > canvas) {
            throw new InvalidPuzzle("a grid of " + grid.rows + "x" + grid.columns + " cells given; " + id
                    + " holds 1x1 to " + canvas + "x" + canvas);
        }
        if (grid.min() < 0 || grid.max() >= COLOURS) {
            throw new InvalidPuzzle("grid values " + grid.min() + ".." + grid.max() + " given; colours are 0 to "
                    + (COLOURS - 1));
        }
        return grid;
    }
}
