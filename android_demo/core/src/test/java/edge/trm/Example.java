package edge.trm;

import edge.trm.bundle.Bundle;
import edge.trm.engine.Engine;
import edge.trm.engine.Engines;
import edge.trm.solve.Solution;
import edge.trm.solve.Solver;
import java.io.File;

public final class Example {
    public static void main(String[] arguments) {
        try (Bundle bundle = Bundle.open(new File(arguments[0]));  // a folder or a .zip: sizes and hashes are checked
                Engine engine = Engines.open(bundle)) {
            Solver solver = new Solver(engine);  // halting as the bundle asks; or new Solver(engine, "fixed:8", 8)
            Solution solution = solver.solve(solver.task.parse(arguments[1]), step -> {
                System.out.println("step " + step.step + ": halts with " + step.probability());
                return true;  // false stops it
            });
            System.out.println(solver.task.format(solution.grid) + ", obeys the rules: " + solution.solved);
        }
    }
}
