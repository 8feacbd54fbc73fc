// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LogTest {

    @Test
    void aTokenIsNeverShownByWhomeverItIsLogged() throws Exception {
        LoggerContext context = new LoggerContext();
        JoranConfigurator configurator = new JoranConfigurator();
        configurator.setContext(context);
        configurator.doConfigure(ChatCommand.class.getResource("/logback.xml"));
        ConsoleAppender<ILoggingEvent> appender =
                (ConsoleAppender<ILoggingEvent>) context.getLogger("ROOT").getAppender("STDERR");
        String token = TokenSealer.of(TestChat.SECRET)
                .seal(new Grant("0123456789abcdef0123456789abcdef", Set.of(), "openai", null, Instant.now()));
        LoggingEvent event = new LoggingEvent(
                "", context.getLogger("a.b.C"), Level.WARN, "at /events/" + token + "?x", new IOException(token), null);

        String line = new String(appender.getEncoder().encode(event), StandardCharsets.UTF_8);

        assertThat(line).contains(" WARN  C: at /events/(token)?x\n").contains("java.io.IOException: (token)");
        assertThat(line).doesNotContain(token.substring(10, 40));
        context.stop();
    }
}
