// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.task.TaskHandler;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Map;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.web.servlet.support.SpringBootServletInitializer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** An application that a servlet container starts from a WAR. */
class WarTest {

    private static final String ANN = RunningApplication.basic("ann", "pw");

    @Test
    @DisplayName("the redirect leads below the context path of the WAR, also if the streams have another path")
    void contextPath(@TempDir Path folder) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(folder.toString());
        tomcat.setPort(0);
        Context context = tomcat.addContext("/shop", folder.toString());
        context.addServletContainerInitializer((types, servlets) -> new War().onStartup(servlets), null);
        tomcat.getConnector();
        tomcat.start();
        try {
            HttpClient client = HttpClient.newBuilder()
                    .followRedirects(HttpClient.Redirect.NORMAL)
                    .build();
            HttpResponse<String> stream = client.send(
                    HttpRequest.newBuilder(URI.create(
                                    "http://localhost:" + tomcat.getConnector().getLocalPort() + "/shop/reports"))
                            .header("Authorization", ANN)
                            .POST(BodyPublishers.ofString("cats"))
                            .build(),
                    BodyHandlers.ofString());

            assertThat(stream.uri().getPath()).startsWith("/shop/streams/");
            assertThat(stream.statusCode()).isEqualTo(200);
            assertThat(stream.body()).contains("data: about cats");
        } finally {
            tomcat.stop();
            tomcat.destroy();
        }
    }

    static final class War extends SpringBootServletInitializer {

        @Override
        protected SpringApplicationBuilder configure(SpringApplicationBuilder application) {
            return application
                    .sources(Reports.class)
                    .properties(Map.of(
                            "handoff.secret", RunningApplication.SECRET,
                            "handoff.routes.report", "/reports",
                            "handoff.events-path", "/streams",
                            "handoff.drain-window", "100ms",
                            "spring.main.banner-mode", "off",
                            "spring.security.user.name", "ann",
                            "spring.security.user.password", "pw"));
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Reports {

        @Bean
        TaskHandler report() {
            return (task, output) -> output.emit("about " + task.payload());
        }
    }
}
