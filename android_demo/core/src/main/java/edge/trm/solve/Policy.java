package edge.trm.solve;

import edge.trm.InvalidInput;
import edge.trm.bundle.Halting;
import edge.trm.text.Show;
import java.util.List;

/**
 * A halting policy: when a puzzle stops stepping. Frozen data with one method; {@code toString()} is its text form,
 * which {@link #parse} reads (docs/halting.md has the grammar). The step budget is the solver's, not the policy's.
 * Knows nothing about engines.
 */
public abstract class Policy {
    Policy() {}

    /** Whether a puzzle halts after this step. */
    public abstract boolean halts(RowState state);

    @Override
    public final boolean equals(Object other) {
        return other instanceof Policy && other.toString().equals(toString());
    }

    @Override
    public final int hashCode() {
        return toString().hashCode();
    }

    /**
     * Reads a policy such as {@code act}, {@code fixed:8} or {@code any(act:threshold=0.5,min=2,stable:3)}. Spaces do
     * not count.
     *
     * @throws InvalidInput unknown name, wrong argument, unbalanced parentheses; says what was expected
     */
    public static Policy parse(String text) {
        return PolicyReader.read(text);
    }

    /** The policy that a bundle asks for; threshold and first step apply to {@code act}. */
    public static Policy of(Halting defaults) {
        Policy policy = parse(defaults.policy);
        return policy.equals(new Act(0, 1)) ? new Act(defaults.threshold, defaults.minSteps) : policy;
    }

    /** Halt when the halting logit is greater than a threshold, compared in float32, from a step on. */
    public static Policy act(double threshold, int minSteps) {
        return new Act(threshold, minSteps);
    }

    /** Halt after that many steps. */
    public static Policy fixed(int steps) {
        return new Fixed(steps);
    }

    /** Never halt: the solver's budget ends it, as in the official evaluation. */
    public static Policy never() {
        return new Fixed(null);
    }

    static final class Fixed extends Policy {
        final Integer steps;

        Fixed(Integer steps) {
            atLeastOne("fixed", steps == null ? 1 : steps);
            this.steps = steps;
        }

        @Override
        public boolean halts(RowState state) {
            return steps != null && state.step >= steps;
        }

        @Override
        public String toString() {
            return steps == null ? "fixed" : "fixed:" + steps;
        }
    }

    static final class Act extends Policy {
        final double threshold;
        final int minSteps;

        Act(double threshold, int minSteps) {
            atLeastOne("act:min", minSteps);
            if (!(Math.abs(threshold) <= Float.MAX_VALUE)) {
                throw new InvalidInput("act:threshold must be a finite number, not " + Show.number(threshold));
            }
            this.threshold = threshold;
            this.minSteps = minSteps;
        }

        @Override
        public boolean halts(RowState state) {
            return state.qHalt > (float) threshold && state.step >= minSteps;
        }

        @Override
        public String toString() {
            String given = threshold == 0 ? "" : "threshold=" + Show.number(threshold);
            if (minSteps != 1) {
                given += (given.isEmpty() ? "" : ",") + "min=" + minSteps;
            }
            return given.isEmpty() ? "act" : "act:" + given;
        }
    }

    static final class Stable extends Policy {
        final int k;

        Stable(int k) {
            atLeastOne("stable", k);
            this.k = k;
        }

        @Override
        public boolean halts(RowState state) {
            return state.unchanged >= k;
        }

        @Override
        public String toString() {
            return "stable:" + k;
        }
    }

    static final class Verified extends Policy {
        @Override
        public boolean halts(RowState state) {
            return state.solved();
        }

        @Override
        public String toString() {
            return "verified";
        }
    }

    /** One of several, or all of them at the same step. */
    static final class Several extends Policy {
        final boolean all;
        final List<Policy> policies;

        Several(boolean all, List<Policy> policies) {
            this.all = all;
            this.policies = policies;
        }

        @Override
        public boolean halts(RowState state) {
            for (Policy policy : policies) {
                if (policy.halts(state) != all) {
                    return !all;
                }
            }
            return all;
        }

        @Override
        public String toString() {
            String parts = Show.joined(policies).replace(", ", ",");
            return (all ? "all(" : "any(") + parts + ")";
        }
    }

    private static void atLeastOne(String name, int value) {
        if (value < 1) {
            throw new InvalidInput(name + " must be at least 1, not " + value);
        }
    }
}
