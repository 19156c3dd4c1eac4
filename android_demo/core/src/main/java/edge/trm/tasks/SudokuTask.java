package edge.trm.tasks;

import edge.trm.InvalidInput;
import edge.trm.text.Show;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sudoku of any box shape. A grid holds 0 for a blank and 1 to n for digits; tokens are 0 pad, 1 blank, digit d = d +
 * 1, row by row.
 */
public final class SudokuTask extends Task {
    private static final String SYMBOLS = "123456789ABCDEFGHIJKLMNOP";
    private static final int MAX_SIDE = SYMBOLS.length();
    private static final Pattern ID =
            Pattern.compile("sudoku-([0-9]{1,2})x([0-9]{1,2})(?:-b([0-9]{1,2})x([0-9]{1,2}))?");

    public final int boxRows;
    public final int boxColumns;
    public final int side;

    private SudokuTask(int boxRows, int boxColumns, String id) {
        super("sudoku", id, square(boxRows * boxColumns), boxRows * boxColumns + 2, true);
        this.boxRows = boxRows;
        this.boxColumns = boxColumns;
        side = boxRows * boxColumns;
    }

    static SudokuTask fromId(String id) {
        Matcher match = ID.matcher(id);
        if (!match.matches() || !match.group(1).equals(match.group(2))) {
            throw new InvalidInput("Task id '" + id + "': a Sudoku is named sudoku-NxN, for example sudoku-9x9");
        }
        int side = Integer.parseInt(match.group(1));
        boolean boxed = match.group(3) != null;
        int usual = usualBoxRows(side);
        int rows = boxed ? Integer.parseInt(match.group(3)) : usual;
        int columns = boxed ? Integer.parseInt(match.group(4)) : usual == 0 ? 0 : side / usual;
        if ((!boxed && usual == 0) || side < 4 || side > MAX_SIDE || rows * columns != side) {
            throw new InvalidInput("Task id '" + id + "': a Sudoku's side is a product of its box's rows and columns,"
                    + " both at least 2, and at most " + MAX_SIDE + ": 4, 6, 8, 9, 10, 12, 14, 15, 16, ...");
        }
        if (Math.min(rows, columns) < 2) {
            throw new InvalidInput("Sudoku boxes of " + rows + "x" + columns + " cells: a box needs two rows and two"
                    + " columns at least, and " + MAX_SIDE + " cells at most");
        }
        String name = "sudoku-" + side + "x" + side;
        return new SudokuTask(rows, columns, rows == usual ? name : name + "-b" + rows + "x" + columns);
    }

    /** The character of a digit, {@code .} for a blank. */
    public static String symbol(int digit) {
        return digit == 0 ? "." : SYMBOLS.substring(digit - 1, digit);
    }

    // -- text --------------------------------------------------------------------------------

    /**
     * One line of n * n symbols, or n lines of n symbols with any of {@code |-+} and spaces between. Symbols are 1 to
     * 9, then A (10), B (11), ... in either case; {@code .} or {@code 0} is a blank.
     */
    @Override
    public Puzzle parse(String text) {
        Grid grid = grid(text);
        String clash = clash(grid);
        if (clash != null) {
            throw new InvalidPuzzle("The givens contradict each other: " + clash);
        }
        return new Puzzle(grid);
    }

    /** n * n symbols, {@code .} for a blank. */
    @Override
    public String format(Grid grid) {
        valid(grid);
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < seqLen; i++) {
            line.append(symbol(grid.cell(i)));
        }
        return line.toString();
    }

    private Grid grid(String text) {
        List<String> lines = new ArrayList<String>();
        for (String line : Lines.split(text)) {
            if (!symbols(line).isEmpty()) {
                lines.add(line);
            }
        }
        List<Integer> digits = new ArrayList<Integer>();
        if (lines.size() == 1) {
            digits.addAll(digits(lines.get(0), ""));
            if (digits.size() != seqLen) {
                throw new InvalidPuzzle(
                        digits.size() + " cells given; a " + side + "x" + side + " Sudoku has " + seqLen);
            }
        } else {
            for (int number = 1; number <= lines.size(); number++) {
                List<Integer> row = digits(lines.get(number - 1), "row " + number + ", ");
                if (row.size() != side) {
                    throw new InvalidPuzzle("row " + number + " has " + row.size() + " cells; each of the " + side
                            + " rows needs " + side);
                }
                digits.addAll(row);
            }
            if (lines.size() != side) {
                throw new InvalidPuzzle(
                        lines.size() + " rows given; a " + side + "x" + side + " Sudoku has " + side);
            }
        }
        int[] cells = new int[seqLen];
        for (int i = 0; i < seqLen; i++) {
            cells[i] = digits.get(i);
        }
        return Grid.of(side, side, cells);
    }

    private List<Integer> digits(String line, String place) {
        List<Integer> digits = new ArrayList<Integer>();
        String symbols = symbols(line);
        for (int at = 0; at < symbols.length(); ) {
            int symbol = symbols.codePointAt(at);
            at += Character.charCount(symbol);
            boolean lower = symbol >= 'a' && symbol <= 'z';
            int digit = symbol == '.' || symbol == '0' ? 0 : SYMBOLS.indexOf(lower ? symbol - 32 : symbol) + 1;
            if ((digit == 0 && symbol != '.' && symbol != '0') || digit > side) {
                String last = SYMBOLS.substring(side - 1, side);
                int character = line.codePointCount(0, line.indexOf(symbol)) + 1;
                throw new InvalidPuzzle(place + "character " + character + " is "
                        + Show.quoted(new String(Character.toChars(symbol))) + "; allowed are "
                        + (side <= 9 ? "1-" : "1-9, A-") + last + ", and . or 0 for a blank");
            }
            digits.add(digit);
        }
        return digits;
    }

    /** A line without decoration (spaces, {@code |+-*}, drawn lines), nothing for a comment. */
    private static String symbols(String line) {
        StringBuilder symbols = new StringBuilder();
        boolean begun = false;
        for (int at = 0; at < line.length(); ) {
            int c = line.codePointAt(at);
            at += Character.charCount(c);
            boolean space = Lines.isSpace(c);
            if (!begun && c == '#') {
                return "";
            }
            begun |= !space;
            if (!space && "|+-*".indexOf(c) < 0 && !(c >= 0x2500 && c <= 0x257f)) {
                symbols.appendCodePoint(c);
            }
        }
        return symbols.toString();
    }

    // -- tokens ------------------------------------------------------------------------------
    @Override
    public int[] encode(Grid grid) {
        int[] tokens = valid(grid).cells();
        for (int i = 0; i < seqLen; i++) {
            tokens[i]++;
        }
        return tokens;
    }

    @Override
    public Grid decode(int[] tokens) {
        int[] digits = new int[seqLen];
        for (int i = 0; i < seqLen; i++) {
            digits[i] = tokens[i] >= 1 && tokens[i] <= side + 1 ? tokens[i] - 1 : 0;
        }
        return Grid.of(side, side, digits);
    }

    // -- rules -------------------------------------------------------------------------------

    /** The first given that was changed, else the first blank, else the first digit that is twice in a unit. */
    @Override
    public String check(Grid question, Grid answer) {
        valid(question);
        valid(answer);
        for (int i = 0; i < seqLen; i++) {
            if (question.cell(i) != 0 && question.cell(i) != answer.cell(i)) {
                return "the given " + symbol(question.cell(i)) + " at row " + (i / side + 1) + ", column "
                        + (i % side + 1) + " became " + symbol(answer.cell(i));
            }
        }
        for (int i = 0; i < seqLen; i++) {
            if (answer.cell(i) == 0) {
                return "row " + (i / side + 1) + ", column " + (i % side + 1) + " is blank";
            }
        }
        return clash(answer);
    }

    @Override
    public boolean solved(int[] question, int[] answer) {
        int full = (1 << (side + 1)) - 2;
        int[] units = new int[3 * side];
        for (int i = 0; i < seqLen; i++) {
            int digit = answer[i] - 1;
            if ((question[i] >= 2 && question[i] != answer[i]) || digit < 1 || digit > side) {
                return false;
            }
            for (int kind = 0; kind < 3; kind++) {
                units[unit(kind, i)] |= 1 << digit;
            }
        }
        for (int unit : units) {
            if (unit != full) {
                return false;
            }
        }
        return true;
    }

    /** The first digit that is twice in a row, column or box. */
    private String clash(Grid grid) {
        int[][] first = new int[3 * side][side + 1]; // cell + 1
        int[][] second = new int[3 * side][side + 1];
        for (int cell = 0; cell < seqLen; cell++) {
            for (int kind = 0; kind < 3; kind++) {
                int unit = unit(kind, cell);
                int digit = grid.cell(cell);
                if (first[unit][digit] == 0) {
                    first[unit][digit] = cell + 1;
                } else if (second[unit][digit] == 0) {
                    second[unit][digit] = cell + 1;
                }
            }
        }
        for (int unit = 0; unit < 3 * side; unit++) {
            for (int digit = 1; digit <= side; digit++) {
                if (second[unit][digit] > 0) {
                    String kind = unit < side ? "row" : unit < 2 * side ? "column" : "box";
                    return symbol(digit) + " is twice in " + kind + " " + (unit % side + 1) + " ("
                            + place(first[unit][digit] - 1) + " and " + place(second[unit][digit] - 1) + ")";
                }
            }
        }
        return null;
    }

    private String place(int cell) {
        return "row " + (cell / side + 1) + ", column " + (cell % side + 1);
    }

    private int unit(int kind, int cell) {
        int row = cell / side;
        int column = cell % side;
        if (kind == 0) {
            return row;
        }
        return kind == 1 ? side + column : 2 * side + row / boxRows * boxRows + column / boxColumns;
    }

    private Grid valid(Grid grid) {
        if (grid.rows != side || grid.columns != side) {
            throw new InvalidPuzzle("a grid of " + grid.rows + "x" + grid.columns + " cells given; " + id + " has "
                    + side + "x" + side);
        }
        if (grid.min() < 0 || grid.max() > side) {
            throw new InvalidPuzzle("grid values " + grid.min() + ".." + grid.max() + " given; " + id
                    + " has 0 (blank) to " + side);
        }
        return grid;
    }

    /** Rows of the most square box of a side, fewer than its columns; 0 where one side would be 1. */
    private static int usualBoxRows(int side) {
        for (int rows = (int) Math.sqrt(side); rows >= 2; rows--) {
            if (side % rows == 0) {
                return rows;
            }
        }
        return 0;
    }

    private static int square(int side) {
        return side * side;
    }
}
