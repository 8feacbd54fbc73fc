// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compiles and runs the tests that {@code docs/testing.md} and the section "Test a handler" of the README show. The module
 * handoff-spring-boot-test runs that with {@code @HandoffTest}.
 */
@Timeout(60)
class TestingGuideTest {

    private static final Pattern JAVA_BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
    private static final Pattern CLASS = Pattern.compile("(?m)^class (\\w+) ");

    /** The imports and the declarations that the example of the README uses. */
    private static final String README_TEST = """
            import static dev.handoff.testkit.HandoffAssertions.assertThat;

            import dev.handoff.task.*;
            import dev.handoff.testkit.*;
            import org.junit.jupiter.api.Test;

            class ReadmeTest {
                @Test
                void example() {
            %s
                }
            }
            """;

    @Test
    @DisplayName("the tests of the guide compile and pass")
    void guide(@TempDir Path folder) throws Exception {
        List<String> tests = blocks("../docs/testing.md").stream()
                .filter(block -> !block.contains("@HandoffTest"))
                .toList();
        assertThat(run(tests, folder))
                .containsExactlyInAnyOrder(
                        "ReportHandlerTest.writesThreePages",
                        "ReportHandlerTest.refusesAnEmptyTopic",
                        "ReportHandlerTest.stopsWhenItIsCancelled",
                        "ReportHandlerTest.worksWithoutAThread",
                        "ReportControllerTest.redirectsToTheReport",
                        "ReportControllerTest.canBeCancelledWhileItWaits",
                        "ReportServerTest.resumesAfterALostConnection");
    }

    @Test
    @DisplayName("the test of the README compiles and passes")
    void readme(@TempDir Path folder) throws Exception {
        List<String> tests = blocks("../README.md").stream()
                .filter(block -> block.contains("Handlers.run"))
                .map(README_TEST::formatted)
                .toList();
        assertThat(run(tests, folder)).containsExactly("ReadmeTest.example");
    }

    private static List<String> blocks(String document) throws IOException {
        return JAVA_BLOCK
                .matcher(Files.readString(Path.of(document)))
                .results()
                .map((MatchResult block) -> block.group(1))
                .toList();
    }

    /** Compiles classes, runs their tests, and returns the names of the tests. */
    private static List<String> run(List<String> sources, Path folder) throws Exception {
        List<Path> files = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (String source : sources) {
            String name =
                    CLASS.matcher(source).results().findFirst().orElseThrow().group(1);
            names.add(name);
            files.add(Files.writeString(folder.resolve(name + ".java"), source));
        }
        assertThat(ExampleCompiler.errorsOf(files, folder)).isEmpty();
        List<String> run = new ArrayList<>();
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
            for (String name : names) {
                for (Method test : tests(loader.loadClass(name))) {
                    run(test);
                    run.add(name + '.' + test.getName());
                }
            }
        }
        return run;
    }

    private static List<Method> tests(Class<?> type) {
        return Stream.of(type.getDeclaredMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .toList();
    }

    private static void run(Method test) throws Exception {
        Constructor<?> constructor = test.getDeclaringClass().getDeclaredConstructor();
        constructor.setAccessible(true);
        test.setAccessible(true);
        try {
            test.invoke(constructor.newInstance());
        } catch (InvocationTargetException e) {
            throw new AssertionError(test + " failed", e.getCause());
        }
    }
}
