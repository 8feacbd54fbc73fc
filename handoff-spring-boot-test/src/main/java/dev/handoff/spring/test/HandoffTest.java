// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring.test;

import dev.handoff.spring.HandoffHandler;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.test.autoconfigure.OverrideAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.core.annotation.AliasFor;

/**
 * Starts the handlers and the routes of a Spring Boot application for a test, with a hand-off in memory, and nothing else. The test injects
 * a {@link dev.handoff.testkit.TestHandoff} or the {@link dev.handoff.Handoff}.
 *
 * <pre>{@code
 * @HandoffTest
 * class ReportsTest {
 *
 *     @Test
 *     void writesAPage(@Autowired TestHandoff test) {
 *         TestStream stream = test.dispatch(Task.of("report", "rain"));
 *         HandoffAssertions.assertThat(stream.awaitOutcome()).hasData("a page about rain").completed();
 *     }
 * }
 * }</pre>
 *
 * <p>Of the classes that the component scan of the application finds, the test uses only these:
 *
 * <ul>
 *   <li>handlers: classes with {@link HandoffHandler} on the class or on a method, and implementations of {@link
 *       dev.handoff.task.TaskHandler};
 *   <li>classes that change the hand-off: implementations of {@link dev.handoff.spring.HandoffCustomizer}, {@link
 *       dev.handoff.format.StreamFormat} and {@link dev.handoff.RedirectPolicy};
 *   <li>configurations with a {@code @Bean} method that returns one of these types or has {@link HandoffHandler}.
 * </ul>
 *
 * <p>Add other beans that a handler needs with {@code @Import}, or replace them with {@code @MockitoBean}. The test always uses the
 * application class itself, with its {@code @Bean} methods.
 *
 * <p>Whatever the properties of the application say, tasks and streams are in memory and not in MongoDB, the process has all roles, and
 * tokens are sealed with a random secret. There is no Spring Security and no controller.
 */
@Documented
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@SpringBootTest(
        properties = {
            "handoff.secret=",
            "handoff.previous-secrets=",
            "handoff.roles=app,worker,stream",
            "handoff.drain-window=0s"
        })
@OverrideAutoConfiguration(enabled = false)
@ImportAutoConfiguration
public @interface HandoffTest {

    /**
     * Returns whether the test starts a web server for the routes and the streams. By default it does not. With {@link
     * WebEnvironment#RANDOM_PORT} it does, and the property {@code local.server.port} is the port of this server.
     */
    @AliasFor(annotation = SpringBootTest.class)
    WebEnvironment webEnvironment() default WebEnvironment.NONE;
}
