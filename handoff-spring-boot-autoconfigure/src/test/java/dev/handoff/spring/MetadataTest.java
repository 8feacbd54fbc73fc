// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class MetadataTest {

    @Test
    @DisplayName("the metadata describe each property, for the completion of an IDE")
    void described() throws IOException {
        List<String> names = new ArrayList<>();
        for (JsonNode property : metadata().get("properties")) {
            names.add(property.get("name").asText());
            assertThat(property.path("description").asText())
                    .as(property.toString())
                    .isNotBlank()
                    .endsWith(".");
        }
        assertThat(names)
                .contains(
                        "handoff.enabled",
                        "handoff.secret",
                        "handoff.previous-secrets",
                        "handoff.roles",
                        "handoff.routes",
                        "handoff.events-url",
                        "handoff.redirect",
                        "handoff.retention",
                        "handoff.heartbeat",
                        "handoff.cors.origins",
                        "handoff.limits.body",
                        "handoff.worker.max-running",
                        "handoff.mongo.database");
    }

    private static JsonNode metadata() throws IOException {
        for (URL url : Collections.list(
                HandoffProperties.class.getClassLoader().getResources("META-INF/spring-configuration-metadata.json"))) {
            try (InputStream in = url.openStream()) {
                JsonNode metadata = new ObjectMapper().readTree(in);
                for (JsonNode property : metadata.path("properties")) {
                    if (Objects.equals(property.path("name").asText(), "handoff.secret")) {
                        return metadata;
                    }
                }
            }
        }
        throw new AssertionError("there are no metadata of handoff");
    }
}
