package edge.trm.tasks;

import edge.trm.InvalidInput;
import edge.trm.text.Show;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Mazes: mark the shortest path from S to G. Grid values and tokens are the same: 0 pad, 1 wall, 2 floor, 3 start,
 * 4 goal, 5 path, row by row.
 */
public final class MazeTask extends Task {
    public static final int WALL = 1;
    public static final int FLOOR = 2;
    public static final int START = 3;
    public static final int GOAL = 4;
    public static final int PATH = 5;

    private static final String CHARSET = "# SGo";
    private static final String[] NAMES = {"pad", "wall", "floor", "S", "G", "o"};
    private static final int MIN_SIDE = 3;
    private static final int MAX_SIDE = 64;
    private static final Pattern ID = Pattern.compile("maze-([0-9]{1,3})x([0-9]{1,3})");

    public final int rows;
    public final int columns;

    private MazeTask(int rows, int columns) {
        super("maze", "maze-" + rows + "x" + columns, rows * columns, CHARSET.length() + 1, true);
        this.rows = rows;
        this.columns = columns;
    }

    static MazeTask fromId(String id) {
        Matcher match = ID.matcher(id);
        if (!match.matches()) {
            throw new InvalidInput("Task id '" + id + "': a maze is named maze-ROWSxCOLUMNS, for example maze-30x30");
        }
        int rows = Integer.parseInt(match.group(1));
        int columns = Integer.parseInt(match.group(2));
        if (Math.min(rows, columns) < MIN_SIDE || Math.max(rows, columns) > MAX_SIDE) {
            throw new InvalidInput("A maze of " + rows + "x" + columns + " cells: each side has " + MIN_SIDE + " to "
                    + MAX_SIDE);
        }
        return new MazeTask(rows, columns);
    }

    // -- text --------------------------------------------------------------------------------

    /**
     * A question: one line of rows * columns characters, or one line a row. {@code #} is wall, a space is floor;
     * exactly one {@code S} and one {@code G}; no path {@code o}, which belongs to answers.
     */
    @Override
    public Puzzle parse(String text) {
        Grid grid = grid(text);
        for (int value = START; value <= GOAL; value++) {
            int count = count(grid, value);
            if (count != 1) {
                throw new InvalidPuzzle(count + " cells '" + NAMES[value] + "' given; a maze has exactly one");
            }
        }
        for (int i = 0; i < seqLen; i++) {
            if (grid.cell(i) == PATH) {
                throw new InvalidPuzzle("row " + (i / columns + 1) + ", column " + (i % columns + 1)
                        + " is 'o': a question shows no path; leave a space there");
            }
        }
        if (steps(grid.cells(), false) < 0) {
            throw new InvalidPuzzle("no path leads from S to G");
        }
        return new Puzzle(grid);
    }

    /** rows * columns characters in one line; a pad becomes a space. */
    @Override
    public String format(Grid grid) {
        valid(grid);
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < seqLen; i++) {
            line.append((" " + CHARSET).charAt(grid.cell(i)));
        }
        return line.toString();
    }

    private Grid grid(String text) {
        List<int[]> lines = new ArrayList<int[]>(); // code points
        int begin = 0;
        for (int at = 0; at <= text.length(); at++) {
            if (at == text.length() || text.charAt(at) == '\n') {
                int end = at > begin && text.charAt(at - 1) == '\r' ? at - 1 : at;
                lines.add(codePoints(text.substring(begin, end)));
                begin = at + 1;
            }
        }
        while (lines.size() > 1 && lines.get(lines.size() - 1).length == 0) {
            lines.remove(lines.size() - 1);
        }
        if (lines.size() == 1) {
            if (lines.get(0).length != seqLen) {
                throw new InvalidPuzzle(
                        lines.get(0).length + " cells given; a " + rows + "x" + columns + " maze has " + seqLen);
            }
        } else {
            if (lines.size() != rows) {
                throw new InvalidPuzzle(
                        lines.size() + " rows given; a " + rows + "x" + columns + " maze has " + rows);
            }
            for (int row = 0; row < rows; row++) {
                if (lines.get(row).length != columns) {
                    throw new InvalidPuzzle("row " + (row + 1) + " has " + lines.get(row).length
                            + " cells; each row needs " + columns + " (spaces at its end count)");
                }
            }
        }
        int[] values = new int[seqLen];
        int at = 0;
        for (int[] line : lines) {
            for (int character : line) {
                values[at] = CHARSET.indexOf(character) + 1;
                if (values[at] == 0) {
                    throw new InvalidPuzzle("row " + (at / columns + 1) + ", column " + (at % columns + 1) + " is "
                            + Show.quoted(new String(Character.toChars(character)))
                            + "; allowed are '#' wall, ' ' floor, 'S', 'G', 'o'");
                }
                at++;
            }
        }
        return Grid.of(rows, columns, values);
    }

    private static int[] codePoints(String line) {
        int[] found = new int[line.codePointCount(0, line.length())];
        for (int at = 0, i = 0; i < found.length; i++, at += Character.charCount(line.codePointAt(at))) {
            found[i] = line.codePointAt(at);
        }
        return found;
    }

    // -- tokens ------------------------------------------------------------------------------
    @Override
    public int[] encode(Grid grid) {
        return valid(grid).cells();
    }

    /** Tokens as a grid; what is no symbol becomes floor. */
    @Override
    public Grid decode(int[] tokens) {
        int[] values = new int[seqLen];
        for (int i = 0; i < seqLen; i++) {
            values[i] = tokens[i] >= WALL && tokens[i] <= PATH ? tokens[i] : FLOOR;
        }
        return Grid.of(rows, columns, values);
    }

    // -- rules -------------------------------------------------------------------------------

    /** Walls, floor, S and G kept, and the {@code o} cells are one shortest path from S to G and nothing else. */
    @Override
    public String check(Grid question, Grid answer) {
        valid(question);
        valid(answer);
        for (int i = 0; i < seqLen; i++) {
            int before = question.cell(i);
            int after = answer.cell(i);
            if (before != after && !(before == FLOOR && after == PATH)) {
                return NAMES[before] + " at row " + (i / columns + 1) + ", column " + (i % columns + 1) + " became "
                        + NAMES[after];
            }
        }
        int steps = steps(question.cells(), false);
        if (steps < 0) {
            return "the question has no path from S to G";
        }
        int along = steps(answer.cells(), true);
        if (along < 0) {
            return "the path does not lead from S to G";
        }
        if (along > steps) {
            return "the path takes " + along + " steps, the shortest " + steps;
        }
        int stray = count(answer, PATH) - (steps - 1);
        return stray == 0 ? null : stray + " cells 'o' are not on the path";
    }

    @Override
    public boolean solved(int[] question, int[] answer) {
        int marked = 0;
        for (int i = 0; i < seqLen; i++) {
            if (question[i] != answer[i] && !(question[i] == FLOOR && answer[i] == PATH)) {
                return false;
            }
            marked += answer[i] == PATH ? 1 : 0;
        }
        int steps = steps(question, false);
        return steps >= 0 && steps == marked + 1 && steps(answer, true) == steps;
    }

    /** Steps from the only S to the only G around the walls (and, if asked, the floor); -1: no way. */
    private int steps(int[] cells, boolean floorIsWall) {
        int start = -1;
        int goal = -1;
        for (int i = 0; i < seqLen; i++) {
            start = cells[i] == START ? i : start;
            goal = cells[i] == GOAL ? i : goal;
        }
        if (start < 0 || goal < 0) {
            return -1;
        }
        int[] distance = new int[seqLen];
        Arrays.fill(distance, -1);
        int[] queue = new int[seqLen];
        int filled = 0;
        for (int i = 0; i < seqLen; i++) { // a model may answer with several
            if (cells[i] == START) {
                distance[i] = 0;
                queue[filled++] = i;
            }
        }
        for (int at = 0; at < filled; at++) {
            int cell = queue[at];
            if (cells[cell] == GOAL) {
                return distance[cell];
            }
            int column = cell % columns;
            int[] beside = {cell - columns, cell + columns, column > 0 ? cell - 1 : -1,
                column < columns - 1 ? cell + 1 : -1};
            for (int next : beside) {
                boolean open = next >= 0 && next < seqLen && distance[next] < 0 && cells[next] != WALL
                        && !(floorIsWall && cells[next] == FLOOR);
                if (open) {
                    distance[next] = distance[cell] + 1;
                    queue[filled++] = next;
                }
            }
        }
        return -1;
    }

    private static int count(Grid grid, int value) {
        int count = 0;
        for (int i = 0; i < grid.size(); i++) {
            count += grid.cell(i) == value ? 1 : 0;
        }
        return count;
    }

    private Grid valid(Grid grid) {
        if (grid.rows != rows || grid.columns != columns) {
            throw new InvalidPuzzle("a grid of " + grid.rows + "x" + grid.columns + " cells given; " + id + " has "
                    + rows + "x" + columns);
        }
        if (grid.min() < 0 || grid.max() > PATH) {
            throw new InvalidPuzzle("grid values " + grid.min() + ".." + grid.max()
                    + " given; a maze has 0 (pad) to " + PATH);
        }
        return grid;
    }
}
