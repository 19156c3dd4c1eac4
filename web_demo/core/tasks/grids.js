/** What the grids of all tasks share: shapes, ranges, rows. Knows nothing of what a cell means. */

/** @typedef {import("../types.js").Grid} Grid */

/** `4x5`, as messages show it; a grid without cells is `0x0`.  @param {Grid} grid */
export function shapeText(grid) {
    return `${grid.length}x${grid[0]?.length ?? 0}`;
}

/** Whether all rows have `columns` cells, and there are `rows` of them.
 * @param {Grid} grid @param {number} rows @param {number} columns */
export function hasShape(grid, rows, columns) {
    return grid.length === rows && grid.every((row) => row.length === columns);
}

/** The least and the greatest cell.  @param {Grid} grid */
export function range(grid) {
    const cells = grid.flat();
    return { least: Math.min(...cells), most: Math.max(...cells) };
}

/** Rows of `columns` cells.  @param {ArrayLike<number>} cells @param {number} columns @returns {Grid} */
export function toGrid(cells, columns) {
    const all = Array.from(cells);
    return Array.from({ length: all.length / columns }, (_, row) => all.slice(row * columns, (row + 1) * columns));
}
