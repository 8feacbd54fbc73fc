// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compiles the examples in the Javadoc of all modules: the blocks {@code <pre>{@code …}</pre>}. */
class JavadocExamplesTest {

    /** The types that an application meets first. */
    private static final Set<String> TYPES_WITH_EXAMPLES = Set.of(
            "Handoff",
            "StreamEndpoint",
            "ServletHandoffRequest",
            "HandoffFilter",
            "HandoffRoute",
            "EventStreamServlet",
            "HandoffServlets",
            "NettyStreamingServer",
            "Task",
            "TaskHandler",
            "TaskOutput",
            "EventStore",
            "InMemoryEventStore",
            "InProcessTaskDispatcher",
            "TokenSealer",
            "MongoIndexes",
            "MongoEventStore",
            "MongoTaskQueue",
            "MongoWorker",
            "HandoffMetrics",
            "HandoffTracing",
            "JaxrsHandoffRequest",
            "Handlers",
            "TestHandoff",
            "TestStream",
            "TestRequest",
            "SseClient",
            "HandoffAssertions");

    private static final Pattern EXAMPLE = Pattern.compile("<pre>\\{@code\n(.*?)}</pre>", Pattern.DOTALL);
    private static final Pattern COMMENT_MARGIN = Pattern.compile("(?m)^ *\\* ?");
    private static final Pattern DECLARATION = Pattern.compile("@|(?:final |static )*(?:class|record|interface) ");

    /** What an example may use without declaring it. An example that declares one of these names hides the field. */
    private static final String CONTEXT = """
            import com.mongodb.client.MongoClient;
            import com.mongodb.client.MongoClients;
            import com.mongodb.client.MongoDatabase;
            import dev.handoff.*;
            import dev.handoff.delivery.*;
            import dev.handoff.http.*;
            import dev.handoff.jaxrs.*;
            import dev.handoff.memory.*;
            import dev.handoff.micrometer.*;
            import dev.handoff.mongo.*;
            import dev.handoff.mongo.stream.*;
            import dev.handoff.mongo.task.*;
            import dev.handoff.netty.*;
            import dev.handoff.servlet.*;
            import dev.handoff.store.*;
            import dev.handoff.stream.*;
            import dev.handoff.task.*;
            import dev.handoff.testkit.*;
            import dev.handoff.token.*;
            import io.micrometer.core.instrument.MeterRegistry;
            import io.micrometer.observation.ObservationRegistry;
            import jakarta.servlet.*;
            import jakarta.servlet.http.HttpServletRequest;
            import jakarta.ws.rs.*;
            import jakarta.ws.rs.core.Response;
            import java.io.*;
            import java.net.*;
            import java.net.http.*;
            import java.time.*;
            import java.util.*;
            import java.util.concurrent.*;
            import java.util.function.Consumer;

            abstract class %s {
                Executor executor;
                ScheduledExecutorService timer;
                EventStore store;
                Handoff handoff;
                HandoffFilter filter;
                EventStreamServlet events;
                HandoffRequest request;
                HandoffRoute reports;
                HandoffRoute chat;
                HttpServletRequest servletRequest;
                ServletContext servletContext;
                MongoDatabase database;
                MongoEventStore mongoStore;
                MongoTaskQueue queue;
                Model model;
                MeterRegistry meterRegistry;
                ObservationRegistry observationRegistry;
                TaskHandler handler;
                URI uri;
                String secret;
                String newSecret;
                String previousSecret;
                String order;
                String streamId;
                String token;

                interface Model {
                    CompletionStage<String> answer(String prompt, Consumer<String> words);
                }

                abstract void write(Reply reply);

                abstract void stream(Map<String, List<String>> headers, EventFeed feed);

                abstract void await(Map<String, List<String>> headers, DocumentFeed feed);
            """;

    /**
     * One example.
     *
     * @param type the simple name of the type whose source contains it
     */
    private record Example(String type, int number, String code) {

        String className() {
            return type + "Example" + number;
        }

        /** Returns a source file. An example of statements, or of one expression, becomes the body of a method. */
        String source() {
            boolean declares = DECLARATION.matcher(code).lookingAt();
            boolean isExpression = !code.endsWith(";\n") && !code.endsWith("}\n");
            String body = isExpression ? code + ";\n" : code;
            String member = declares ? code : "void example() throws Exception {\n" + body + "}\n";
            return CONTEXT.formatted(className()) + member + "}\n";
        }
    }

    @Test
    @DisplayName("each type that an application meets first has an example")
    void typesHaveExamples() throws IOException {
        Set<String> types = examples().stream().map(Example::type).collect(Collectors.toSet());
        assertThat(types).containsAll(TYPES_WITH_EXAMPLES);
    }

    @Test
    @DisplayName("the examples compile")
    void examplesCompile(@TempDir Path folder) throws IOException {
        List<Path> sources = new ArrayList<>();
        for (Example example : examples()) {
            sources.add(Files.writeString(folder.resolve(example.className() + ".java"), example.source()));
        }
        assertThat(ExampleCompiler.errorsOf(sources, folder)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"unknownName();", "int number = \"text\";", "final class Broken implements Runnable {}"})
    @DisplayName("an example with an error is found")
    void errorsAreFound(String code, @TempDir Path folder) throws IOException {
        Example broken = new Example("Broken", 0, code + '\n');
        Path source = Files.writeString(folder.resolve(broken.className() + ".java"), broken.source());
        assertThat(ExampleCompiler.errorsOf(List.of(source), folder)).contains("error:");
    }

    private static List<Example> examples() throws IOException {
        List<Example> examples = new ArrayList<>();
        for (Path source : sources()) {
            String type = source.getFileName().toString().replace(".java", "");
            for (MatchResult match :
                    EXAMPLE.matcher(Files.readString(source)).results().toList()) {
                String code = COMMENT_MARGIN.matcher(match.group(1)).replaceAll("");
                examples.add(new Example(type, examples.size(), code));
            }
        }
        return examples;
    }

    private static List<Path> sources() throws IOException {
        List<Path> sources = new ArrayList<>();
        for (String module :
                List.of("core", "servlet", "netty", "jaxrs", "mongo", "minibatch", "micrometer", "testkit")) {
            try (Stream<Path> files = Files.walk(Path.of("../handoff-" + module + "/src/main/java"))) {
                files.filter(file -> file.toString().endsWith(".java")).sorted().forEach(sources::add);
            }
        }
        return sources;
    }
}
