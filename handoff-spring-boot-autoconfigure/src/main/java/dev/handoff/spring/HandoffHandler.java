// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names the type of the tasks that a bean or a method of a bean handles.
 *
 * <p>On the class of a {@link dev.handoff.task.TaskHandler} bean, or on the {@code @Bean} method that makes it:
 *
 * <pre>{@code
 * @Bean
 * @HandoffHandler(value = "report", path = "/reports")
 * TaskHandler reports() {
 *     return (task, output) -> output.emit("page", "about " + task.payload());
 * }
 * }</pre>
 *
 * <p>On a method of any other bean. Its parameters are, in any order, a {@link dev.handoff.task.Task}, a {@link
 * dev.handoff.task.TaskOutput} and a {@code String}, which receives the payload. Each may be left out. The method returns nothing, the
 * result as a {@code String}, or a {@code CompletionStage} that completes when the work is done; see {@link
 * dev.handoff.task.TaskHandler#async}:
 *
 * <pre>{@code
 * @HandoffHandler("report")
 * String report(String payload, TaskOutput output) {
 *     output.emit("page", "about " + payload);
 *     return "{\"pages\":1}";
 * }
 * }</pre>
 *
 * <p>A {@code TaskHandler} bean without this annotation handles the tasks whose type is the name of the bean.
 */
@Documented
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
public @interface HandoffHandler {

    /** Returns the type of the tasks. */
    String value();

    /**
     * Returns the path whose POST requests become such tasks, or a pattern as in {@link dev.handoff.servlet.HandoffRoute}. The payload is
     * the body of the request. By default no path leads to the handler. The property {@code handoff.routes.<type>} replaces this value.
     */
    String path() default "";
}
