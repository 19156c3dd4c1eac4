package edge.trm.app;

/** What a board shows: cells with their text, colours and words. Plain data; knows no task and no view. */
final class Board {
    /** One cell. Colours are ARGB; 0: the board's own paper. */
    static final class Cell {
        String text = "";
        /** What a screen reader says of the cell's content, its place left out. */
        String spoken = "";
        int fill;
        int ink;
        boolean bold;
        /** Another value than one step before. */
        boolean changed;
    }

    final int rows;
    final int columns;
    /** Cells of a box of a Sudoku, [rows, columns]; 0: no boxes. */
    final int boxRows;
    final int boxColumns;
    /** Row by row. */
    final Cell[] cells;

    Board(int rows, int columns, int boxRows, int boxColumns) {
        this.rows = rows;
        this.columns = columns;
        this.boxRows = boxRows;
        this.boxColumns = boxColumns;
        cells = new Cell[rows * columns];
        for (int i = 0; i < cells.length; i++) {
            cells[i] = new Cell();
        }
    }
}
