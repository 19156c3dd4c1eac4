package edge.trm.tasks;

import java.util.Arrays;

/** A puzzle in the task's own symbols, [rows, columns]; each task documents its values. Never changes. */
public final class Grid {
    public final int rows;
    public final int columns;

    private final int[] cells;

    private Grid(int rows, int columns, int[] cells) {
        this.rows = rows;
        this.columns = columns;
        this.cells = cells;
    }

    /** A grid of values row by row; they are copied. */
    public static Grid of(int rows, int columns, int[] cells) {
        if (cells.length != rows * columns) {
            throw new IllegalArgumentException(cells.length + " values for " + rows + " x " + columns + " cells");
        }
        return new Grid(rows, columns, cells.clone());
    }

    /** A grid of rows of one length. */
    public static Grid of(int[][] rows) {
        int columns = rows.length == 0 ? 0 : rows[0].length;
        int[] cells = new int[rows.length * columns];
        for (int row = 0; row < rows.length; row++) {
            if (rows[row].length != columns) {
                throw new IllegalArgumentException("rows of different lengths");
            }
            System.arraycopy(rows[row], 0, cells, row * columns, columns);
        }
        return new Grid(rows.length, columns, cells);
    }

    /** The value of a cell, both counted from 0. */
    public int get(int row, int column) {
        return cells[row * columns + column];
    }

    /** This grid with another value in one cell. */
    public Grid with(int row, int column, int value) {
        int[] changed = cells.clone();
        changed[row * columns + column] = value;
        return new Grid(rows, columns, changed);
    }

    /** Number of cells. */
    public int size() {
        return cells.length;
    }

    /** All values, row by row (a copy). */
    public int[] cells() {
        return cells.clone();
    }

    /** All values by row (a copy). */
    public int[][] toRows() {
        int[][] copy = new int[rows][];
        for (int row = 0; row < rows; row++) {
            copy[row] = Arrays.copyOfRange(cells, row * columns, (row + 1) * columns);
        }
        return copy;
    }

    int cell(int index) {
        return cells[index];
    }

    int min() {
        int min = Integer.MAX_VALUE;
        for (int value : cells) {
            min = Math.min(min, value);
        }
        return min;
    }

    int max() {
        int max = Integer.MIN_VALUE;
        for (int value : cells) {
            max = Math.max(max, value);
        }
        return max;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Grid
                && ((Grid) other).rows == rows
                && ((Grid) other).columns == columns
                && Arrays.equals(((Grid) other).cells, cells);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(cells) * 31 + columns;
    }

    @Override
    public String toString() {
        return Arrays.deepToString(toRows());
    }
}
