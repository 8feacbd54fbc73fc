// SPDX-License-Identifier: Apache-2.0

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;

/** One run of a driver for Java: holds the scenario and the text that the client has delivered so far, and prints the result. */
final class Scenario {

    /** A call of a client, which reports to the scenario what its user sees. */
    interface Call {
        void run() throws Exception;
    }

    static final String TOOL = "get_weather";
    static final String TOOL_DESCRIPTION = "Returns the weather of a city.";

    private static final int ABORT_AFTER = 3;
    private static final Set<String> STREAMS =
            Set.of("stream", "failure-stream", "limited", "abort", "silence", "resume", "large");
    private static final ObjectMapper JSON = new ObjectMapper();

    final String name;
    final String base;
    final String key;
    final String model;
    final String prompt = System.getenv("COMPAT_PROMPT");
    final String setting = System.getenv().getOrDefault("COMPAT_SETTING", "");

    private final StringBuilder text = new StringBuilder();
    private final Map<String, Object> seen = new LinkedHashMap<>();
    private int parts;

    Scenario(String[] arguments) {
        name = arguments[0];
        base = arguments[1];
        key = arguments[2];
        model = arguments[3];
    }

    boolean tools() {
        return name.equals("tools");
    }

    /** Returns the further fields of the request. */
    Map<String, Object> fields() throws IOException {
        return JSON.readValue(System.getenv().getOrDefault("COMPAT_ARGS", "{}"), new TypeReference<>() {});
    }

    /** Adds text that the user has got. Returns whether the client must close the stream now. */
    boolean text(String part) {
        if (part != null && !part.isEmpty()) {
            text.append(part);
            parts++;
        }
        return name.equals("abort") && parts >= ABORT_AFTER;
    }

    void finish(Object reason) {
        if (reason != null && !reason.toString().isEmpty()) {
            seen.put("finish", reason.toString().toLowerCase(Locale.ROOT));
        }
    }

    void tool(String called, String arguments) throws IOException {
        seen.put("tool", Map.of("name", called, "arguments", JSON.readTree(arguments)));
    }

    /**
     * Runs the scenario, prints its result, and ends the process.
     *
     * @param status returns the HTTP status of an exception; 0 if it has none
     */
    void run(Call stream, Call plain, ToIntFunction<Throwable> status) throws IOException {
        seen.put("outcome", "answer");
        try {
            (STREAMS.contains(name) ? stream : plain).run();
            if (name.equals("abort") && parts >= ABORT_AFTER) {
                seen.put("outcome", "aborted");
            }
        } catch (Exception e) {
            seen.put("outcome", "error");
            seen.put("error", e.toString());
            if (status.applyAsInt(e) > 0) {
                seen.put("status", status.applyAsInt(e));
            }
        }
        seen.put("text", text.toString());
        System.out.println();
        System.out.println(JSON.writeValueAsString(seen));
        if (seen.containsValue("aborted")) {
            // A driver that ended at once would close a connection that the client leaves open. run.py closes standard input when it has looked.
            System.in.transferTo(OutputStream.nullOutputStream());
        }
        System.exit(0);
    }
}
