// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.http.ProblemException;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.store.EventStore;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

class TaskHandlersTest {

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(HandoffAutoConfiguration.class))
            .withPropertyValues("handoff.secret=" + RunningApplication.SECRET);

    @Test
    @DisplayName(
            "handlers are found by the annotation on a class, on a bean method and on a method, and else by the name of the bean")
    void found() {
        runner.withUserConfiguration(Good.class).run(context -> {
            assertThat(context.getBean(TaskHandlers.class).types())
                    .containsExactlyInAnyOrder(
                            "of-class", "of-bean-method", "byName", "words", "stage", "payload-last");
            assertThat(result(context, "of-class")).isEqualTo("class x");
            assertThat(result(context, "of-bean-method")).isEqualTo("bean method x");
            assertThat(result(context, "byName")).isEqualTo("name x");
            assertThat(result(context, "words")).isEqualTo("words x");
            assertThat(result(context, "stage")).isEqualTo("stage x");
            assertThat(result(context, "payload-last")).isEqualTo("last x");
        });
    }

    @Test
    @DisplayName("paths come from annotations, and properties replace them, remove them and add others")
    void routes() {
        runner.withUserConfiguration(Good.class).run(context -> {
            TaskHandlers handlers = context.getBean(TaskHandlers.class);
            assertThat(handlers.routes(Map.of())).containsOnly(Map.entry("words", "/words"));
            assertThat(handlers.routes(Map.of("words", "", "stage", "/stage")))
                    .containsOnly(Map.entry("stage", "/stage"));
        });
    }

    @Test
    @DisplayName("a failure of a handler method fails the task with its problem")
    void failure() {
        runner.withUserConfiguration(Failing.class).run(context -> {
            Task task = Task.of("fail", "");
            context.getBean(TaskDispatcher.class).dispatch(task);
            Awaitility.await().until(() -> status(context, task) == TaskStatus.State.FAILED);
            assertThat(end(context, task)).asString().contains("no_paper");
        });
    }

    @Test
    @DisplayName("two handlers of one type stop the start")
    void duplicate() {
        runner.withUserConfiguration(Good.class, Duplicate.class)
                .run(context -> assertThat(context.getStartupFailure())
                        .rootCause()
                        .hasMessageContaining("Two handlers have the type \"words\""));
    }

    @Test
    @DisplayName("a method with another parameter or type stops the start")
    void signatures() {
        runner.withUserConfiguration(BadParameter.class)
                .run(context ->
                        assertThat(context.getStartupFailure()).rootCause().hasMessageContaining("int"));
        runner.withUserConfiguration(BadType.class)
                .run(context ->
                        assertThat(context.getStartupFailure()).rootCause().hasMessageContaining("java.lang.Integer"));
    }

    @Test
    @DisplayName("the annotation on a bean that is no handler stops the start")
    void noHandler() {
        runner.withUserConfiguration(NoHandler.class)
                .run(context ->
                        assertThat(context.getStartupFailure()).rootCause().hasMessageContaining("not a TaskHandler"));
    }

    @Test
    @DisplayName("a route to tasks without a handler stops the start")
    void routeWithoutHandler() {
        runner.withUserConfiguration(Good.class)
                .withPropertyValues("handoff.routes.report=/reports")
                .run(context -> assertThat(context.getStartupFailure())
                        .rootCause()
                        .hasMessageContaining("handoff.routes.report"));
    }

    @Test
    @DisplayName("a process that keeps tasks in memory must have all roles")
    void rolesInMemory() {
        runner.withPropertyValues("handoff.roles=app,stream")
                .run(context ->
                        assertThat(context.getStartupFailure()).rootCause().hasMessageContaining("handoff.roles"));
    }

    @Test
    @DisplayName("a store of the application is used, and handoff.enabled=false configures nothing")
    void backsOff() {
        runner.withUserConfiguration(OwnStore.class)
                .run(context ->
                        assertThat(context).hasSingleBean(EventStore.class).hasBean("ownStore"));
        runner.withPropertyValues("handoff.enabled=false")
                .run(context -> assertThat(context).doesNotHaveBean(EventStore.class));
    }

    private static String result(ApplicationContext context, String type) {
        Task task = Task.of(type, "x");
        context.getBean(TaskDispatcher.class).dispatch(task);
        Awaitility.await().until(() -> status(context, task) == TaskStatus.State.COMPLETED);
        return ((End.Completed) end(context, task)).result();
    }

    private static TaskStatus.State status(ApplicationContext context, Task task) {
        return context.getBean(TaskDispatcher.class)
                .status(task.id())
                .orElseThrow()
                .state();
    }

    private static End end(ApplicationContext context, Task task) {
        return context.getBean(EventStore.class).open(task.id()).end().orElseThrow();
    }

    @Configuration(proxyBeanMethods = false)
    static class Good {

        @Bean
        Words anyName() {
            return new Words();
        }

        @Bean
        OfClass reports() {
            return new OfClass();
        }

        @Bean
        @HandoffHandler("of-bean-method")
        TaskHandler other() {
            return (task, output) -> output.complete("bean method " + task.payload());
        }

        @Bean
        TaskHandler byName() {
            return (task, output) -> output.complete("name " + task.payload());
        }
    }

    @HandoffHandler("of-class")
    static class OfClass implements TaskHandler {

        @Override
        public void handle(Task task, TaskOutput output) {
            output.complete("class " + task.payload());
        }
    }

    static class Words {

        @HandoffHandler(value = "words", path = "/words")
        void words(Task task, TaskOutput output) {
            output.complete("words " + task.payload());
        }

        @HandoffHandler("stage")
        CompletionStage<String> stage(String payload) {
            return CompletableFuture.supplyAsync(() -> "stage " + payload);
        }

        @HandoffHandler("payload-last")
        private String last(TaskOutput output, String payload) {
            output.emit("word");
            return "last " + payload;
        }
    }

    /** Spring subclasses it, as it does with the class of an application. */
    @Configuration
    static class Failing {

        @HandoffHandler("fail")
        void fail() {
            throw new ProblemException(500, "no_paper", "There is no paper.");
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Duplicate {

        @HandoffHandler("words")
        void words() {}
    }

    @Configuration(proxyBeanMethods = false)
    static class BadParameter {

        @HandoffHandler("bad")
        void bad(int number) {}
    }

    @Configuration(proxyBeanMethods = false)
    static class BadType {

        @HandoffHandler("bad")
        Integer bad() {
            return 1;
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class NoHandler {

        @Bean
        @HandoffHandler("bad")
        String text() {
            return "";
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnStore {

        @Bean
        EventStore ownStore() {
            return InMemoryEventStore.create();
        }
    }
}
