// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.Handoff;
import dev.handoff.token.TokenSealer;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

class SecretTest {

    private final ApplicationContextRunner runner =
            new ApplicationContextRunner().withConfiguration(AutoConfigurations.of(HandoffAutoConfiguration.class));

    @Test
    @DisplayName("an application without a secret does not start, and the analysis says how to make one")
    void missing() {
        runner.run(context -> {
            FailureAnalysis analysis = new ConfigurationFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis.getDescription()).contains("handoff.secret").contains("there is no secret");
            assertThat(analysis.getAction()).contains("openssl rand -base64 32").contains("HANDOFF_SECRET");
        });
    }

    @Test
    @DisplayName("an application with a weak secret does not start, and the analysis does not show the secret")
    void weak() {
        runner.withPropertyValues("handoff.secret=hunter2").run(context -> {
            FailureAnalysis analysis = new ConfigurationFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis.getDescription()).contains("7 characters").doesNotContain("hunter2");
        });
    }

    @Test
    @DisplayName(
            "an application with a weak previous secret does not start, and the analysis names the property and the entry")
    void weakPrevious() {
        runner.withPropertyValues(
                        "handoff.secret=" + RunningApplication.SECRET,
                        "handoff.previous-secrets=" + RunningApplication.SECRET.replace('n', 'N') + ",hunter2")
                .run(context -> {
                    FailureAnalysis analysis = new ConfigurationFailureAnalyzer().analyze(context.getStartupFailure());
                    assertThat(analysis.getDescription())
                            .contains("handoff.previous-secrets[1]")
                            .contains("7 characters")
                            .doesNotContain("hunter2");
                    assertThat(analysis.getAction()).contains("handoff.previous-secrets");
                });
    }

    @Test
    @DisplayName(
            "with the profile dev a weak previous secret is left out, and a line of the log says so without the secret")
    void weakPreviousInDevelopment() {
        try (Logged logged = new Logged(Secret.class.getName())) {
            runner.withPropertyValues(
                            "spring.profiles.active=dev",
                            "handoff.secret=" + RunningApplication.SECRET,
                            "handoff.previous-secrets=hunter2")
                    .run(context -> assertThat(context).hasNotFailed().hasSingleBean(Handoff.class));
            assertThat(logged.lines())
                    .singleElement()
                    .asString()
                    .contains("handoff.previous-secrets[0]")
                    .doesNotContain("hunter2");
        }
    }

    @Test
    @DisplayName("Spring Boot shows the analysis when the application is started")
    void analyzed() {
        try (Logged logged = new Logged("org.springframework.boot.diagnostics.LoggingFailureAnalysisReporter")) {
            System.setProperty("org.springframework.boot.logging.LoggingSystem", "none");
            SpringApplication application = new SpringApplication(Handlers.class);
            application.setRegisterShutdownHook(false);
            assertThatThrownBy(() -> application.run("--server.port=0", "--spring.main.banner-mode=off"))
                    .hasRootCauseInstanceOf(IllegalArgumentException.class);
            assertThat(logged.lines()).singleElement().asString().contains("openssl rand -base64 32");
        }
    }

    @Test
    @DisplayName(
            "with the profile dev or test an application without a secret starts with a random one, and a line of the log says so")
    void random() {
        for (String profile : new String[] {"dev", "test"}) {
            try (Logged logged = new Logged(Secret.class.getName())) {
                runner.withPropertyValues("spring.profiles.active=" + profile)
                        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(Handoff.class));
                assertThat(logged.lines()).singleElement().asString().contains("random secret");
            }
        }
    }

    @Test
    @DisplayName(
            "with the profile dev an application of several processes does not start with a weak or missing secret, because each would make its own")
    void several() {
        assertThatThrownBy(() -> sealer(Map.of()))
                .isInstanceOf(RefusedConfigurationException.class)
                .hasMessageContaining("there is no secret");
        assertThatThrownBy(() -> sealer(
                        Map.of("handoff.secret", RunningApplication.SECRET, "handoff.previous-secrets", "hunter2")))
                .isInstanceOf(RefusedConfigurationException.class)
                .hasMessageContaining("handoff.previous-secrets[0]");
    }

    /** Returns the sealer of a process that has a part of the roles, with the profile dev. */
    private static TokenSealer sealer(Map<String, Object> secrets) {
        StandardEnvironment environment = new StandardEnvironment();
        environment.setActiveProfiles("dev");
        environment
                .getPropertySources()
                .addFirst(new MapPropertySource("roles", Map.of("handoff.roles", "app,stream")));
        environment.getPropertySources().addFirst(new MapPropertySource("secrets", secrets));
        return Secret.sealer(Binder.get(environment).bindOrCreate("handoff", HandoffProperties.class), environment);
    }

    @Test
    @DisplayName("a sealer of the application needs no secret")
    void ownSealer() {
        runner.withUserConfiguration(OwnSealer.class)
                .run(context ->
                        assertThat(context).hasSingleBean(TokenSealer.class).hasNotFailed());
    }

    @Test
    @DisplayName("tokens of a previous secret are opened")
    void previous() {
        String old = RunningApplication.SECRET;
        runner.withPropertyValues("handoff.secret=" + old.replace('n', 'N') + "1", "handoff.previous-secrets=" + old)
                .run(context -> {
                    TokenSealer sealer = context.getBean(TokenSealer.class);
                    String id = "0123456789abcdef0123456789abcdef";
                    assertThat(sealer.proves(id, TokenSealer.of(old).proof(id))).isTrue();
                    assertThat(sealer.proof(id))
                            .isNotEqualTo(TokenSealer.of(old).proof(id));
                });
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Handlers {}

    @Configuration(proxyBeanMethods = false)
    static class OwnSealer {

        @Bean
        TokenSealer sealer() {
            return TokenSealer.of(RunningApplication.SECRET);
        }
    }
}
