// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;

/**
 * Runs the program {@code handoff-chat}, an OpenAI-compatible chat service that hands its requests off. Each role of the deployment is a
 * subcommand; the default is {@code all}.
 *
 * <p>If the program cannot start, it prints the reason as one line to standard error. The exit code is 2 for a mistake in options or
 * environment, else 1.
 */
@Command(
        name = "handoff-chat",
        synopsisSubcommandLabel = "[COMMAND]",
        description = "An OpenAI-compatible chat server that answers requests with a redirect to a stream.",
        footer = {
            "",
            "COMMAND --help shows the options of a command. TIME in options is a number of",
            "seconds, or for example 500ms, 15m, 24h or PT24H.",
            "",
            "Environment:",
            "  HANDOFF_SECRET       Encrypts the tokens of streams; at least 32 characters.",
            "  HANDOFF_MONGODB_URI  The MongoDB of api, stream, worker and indexes.",
            "  HANDOFF_API_KEYS     The keys that may use the API, separated by commas.",
            "                       If not set, no key is needed.",
            "  OPENAI_BASE_URL      A server with OpenAI's API. Its models are offered, too.",
            "  OPENAI_API_KEY       The key for that server.",
            "  HANDOFF_UPSTREAM_<NAME>, HANDOFF_UPSTREAM_<NAME>_KEY",
            "                       Another server like that, and its key. The names of its",
            "                       models begin with <name>/."
        })
public final class ChatCommand {

    private static final Set<String> OWN_OPTIONS = Set.of("-h", "--help");
    private static final String DEFAULT_ROLE = "all";

    @SuppressWarnings("unused") // picocli asks for a field
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Shows this help.")
    private boolean help;

    private ChatCommand() {}

    /** Runs a role until the process is stopped. */
    public static void main(String[] args) {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        System.exit(run(System.getenv(), out, err, args));
    }

    /** Runs a role; returns the exit code. */
    static int run(Map<String, String> environment, PrintWriter out, PrintWriter err, String... args) {
        return commandLine(environment).setOut(out).setErr(err).execute(withRole(args));
    }

    /** Returns a command line with all roles and their options. */
    static CommandLine commandLine(Map<String, String> environment) {
        CommandLine commandLine = new CommandLine(new ChatCommand());
        Environment settings = new Environment(environment);
        commandLine.addSubcommand(new AllCommand(settings));
        commandLine.addSubcommand(listeningOn("5001", new ApiCommand(settings)));
        commandLine.addSubcommand(listeningOn("5002", new StreamCommand(settings)));
        commandLine.addSubcommand(new WorkerCommand(settings));
        commandLine.addSubcommand(new IndexesCommand(settings));
        commandLine.addSubcommand(listeningOn("27017", new StandInCommand()));
        commandLine.setParameterExceptionHandler(ChatCommand::refuse);
        commandLine.setExecutionExceptionHandler((e, command, result) -> {
            if (e instanceof StartException refused) {
                command.getErr().println("handoff-chat: " + refused.getMessage());
                return refused.exitCode();
            }
            throw e;
        });
        return commandLine;
    }

    private static CommandLine listeningOn(String port, Object role) {
        CommandLine commandLine = new CommandLine(role);
        commandLine
                .getCommandSpec()
                .defaultValueProvider(option -> option instanceof OptionSpec named
                                && named.longestName().equals("--port")
                        ? port
                        : null);
        return commandLine;
    }

    /** Returns the arguments. If they begin with an option of the default role, its name is added before them. */
    static String[] withRole(String... args) {
        if (args.length > 0 && (!args[0].startsWith("-") || OWN_OPTIONS.contains(args[0]))) {
            return args;
        }
        List<String> all = new ArrayList<>(List.of(args));
        all.add(0, DEFAULT_ROLE);
        return all.toArray(String[]::new);
    }

    private static int refuse(ParameterException e, String[] args) {
        e.getCommandLine().getErr().println("handoff-chat: " + e.getMessage());
        return StartException.USAGE;
    }
}
