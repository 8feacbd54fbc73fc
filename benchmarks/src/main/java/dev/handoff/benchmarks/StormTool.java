// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** Runs the storm tool. Without the name of a command, runs the server. */
@Command(
        name = "storm",
        description = "Measures how this library delivers streams, and how the servers do with which it is compared.",
        subcommands = {
            StormServer.class,
            StormClient.class,
            TailRun.class,
            FloorServer.class,
            Compare.class,
            MicroBenchmarks.class
        })
public final class StormTool {

    @SuppressWarnings("unused") // picocli asks for a field
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Shows this help.")
    private boolean help;

    private StormTool() {}

    /** Runs a command. */
    public static void main(String[] args) {
        List<String> arguments = new ArrayList<>(List.of(args));
        if (args.length == 0 || (args[0].startsWith("-") && !args[0].equals("-h") && !args[0].equals("--help"))) {
            arguments.add(0, "server");
        }
        CommandLine commandLine = new CommandLine(new StormTool());
        commandLine.setExecutionExceptionHandler((e, command, result) -> {
            if (e instanceof IllegalArgumentException) {
                command.getErr().println("storm: " + e.getMessage());
                return CommandLine.ExitCode.USAGE;
            }
            throw e;
        });
        System.exit(commandLine.execute(arguments.toArray(String[]::new)));
    }
}
