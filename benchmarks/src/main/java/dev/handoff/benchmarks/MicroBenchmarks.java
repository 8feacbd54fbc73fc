// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Stack;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;

/** Runs the benchmarks of single operations. */
@Command(
        name = "jmh",
        description = "Measures single operations; takes the options of JMH.",
        preprocessor = MicroBenchmarks.Untouched.class)
final class MicroBenchmarks implements Callable<Integer> {

    @Parameters(arity = "0..*")
    private final List<String> arguments = new ArrayList<>();

    /** Runs JMH and returns 0. If JMH fails, it ends the process itself. */
    @Override
    public Integer call() throws IOException {
        org.openjdk.jmh.Main.main(arguments.toArray(String[]::new));
        return 0;
    }

    /** Makes picocli pass all arguments to JMH, which also has an option -h. */
    static final class Untouched implements IParameterPreprocessor {
        @Override
        public boolean preprocess(Stack<String> args, CommandSpec command, ArgSpec argument, Map<String, Object> info) {
            args.push("--");
            return false;
        }
    }
}
