// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** An OpenAPI 3.1 document against which requests and responses are held. */
final class ApiContract {

    private static final Set<String> METHODS = Set.of("get", "post", "delete", "options");

    /** An operation of the document. */
    private record Operation(String id, JsonNode json) {}

    private final JsonNode document;
    /** The document in which an object has no other fields than those that are listed. */
    private final JsonNode strict;

    private final SchemaRegistry schemas = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    private final Set<String> seen = new TreeSet<>();

    ApiContract(String yaml) throws JsonProcessingException {
        document = new YAMLMapper().readTree(yaml);
        strict = document.deepCopy();
        strict.at("/components/schemas").forEach(ApiContract::closeObjects);
    }

    private static void closeObjects(JsonNode schema) {
        if (schema instanceof ObjectNode object && object.path("properties").isObject()) {
            object.put("additionalProperties", false);
        }
        schema.forEach(ApiContract::closeObjects);
    }

    /** The ids of all operations. */
    Set<String> operations() {
        Set<String> all = new TreeSet<>();
        for (JsonNode path : document.get("paths")) {
            path.properties().stream()
                    .filter(method -> METHODS.contains(method.getKey()))
                    .forEach(method ->
                            all.add(method.getValue().get("operationId").asText()));
        }
        return all;
    }

    /** The operations that were checked with an answer that is no error. */
    Set<String> succeeded() {
        return seen;
    }

    /** Requires that the document describes the response to a request: its status, fields, media type and content. */
    void check(String method, String path, HttpResponse<String> response) throws JsonProcessingException {
        Operation operation = operation(method, path);
        String status = String.valueOf(response.statusCode());
        JsonNode described = resolve(operation.json().path("responses").path(status));
        String shown = method + ' ' + path + ": " + status + ' ' + response.body();
        assertThat(described.has("description")).as("describes " + shown).isTrue();
        for (Map.Entry<String, JsonNode> header : described.path("headers").properties()) {
            JsonNode value = resolve(header.getValue());
            String sent = response.headers().firstValue(header.getKey()).orElse(null);
            assertThat(sent != null || !value.path("required").asBoolean())
                    .as(header.getKey() + " of " + shown)
                    .isTrue();
            if (sent != null) {
                assertThat(errors(document, value.get("schema"), Json.object().textNode(sent)))
                        .as(header.getKey() + " of " + shown)
                        .isEmpty();
            }
        }
        checkContent(described.path("content"), response, shown);
        if (response.statusCode() < 400) {
            seen.add(operation.id());
        }
    }

    private void checkContent(JsonNode described, HttpResponse<String> response, String shown)
            throws JsonProcessingException {
        if (response.body().isEmpty()) {
            assertThat(described.isEmpty() || response.statusCode() == 204)
                    .as("content of " + shown)
                    .isTrue();
            return;
        }
        String type =
                response.headers().firstValue("Content-Type").orElse("none").replaceFirst(";.*", "");
        assertThat(described.has(type)).as(type + " for " + shown).isTrue();
        JsonNode content = type.endsWith("json")
                ? Json.parse(response.body())
                : Json.object().textNode(response.body());
        assertThat(errors(strict, described.get(type).get("schema"), content))
                .as(shown)
                .isEmpty();
    }

    /** Returns what is wrong with the body of a request, as the document describes it. */
    List<String> requestErrors(String method, String path, JsonNode body) {
        return errors(
                document,
                operation(method, path)
                        .json()
                        .at("/requestBody/content")
                        .get("application/json")
                        .get("schema"),
                body);
    }

    /** Requires that a value is exactly what a named schema describes. */
    void checkSchema(String name, JsonNode value) {
        assertThat(errors(strict, strict.at("/components/schemas").get(name), value))
                .as(name + ": " + value)
                .isEmpty();
    }

    private List<String> errors(JsonNode within, JsonNode schema, JsonNode value) {
        ObjectNode whole = Json.object();
        whole.set("components", within.get("components"));
        whole.putArray("allOf").add(schema);
        List<String> errors = new ArrayList<>();
        schemas.getSchema(whole).validate(value).forEach(error -> errors.add(error.toString()));
        return errors;
    }

    private Operation operation(String method, String path) {
        for (Map.Entry<String, JsonNode> template : document.get("paths").properties()) {
            JsonNode operation = template.getValue().get(method.toLowerCase(Locale.ROOT));
            JsonNode servers =
                    template.getValue().has("servers") ? template.getValue().get("servers") : document.get("servers");
            for (JsonNode server : servers) {
                String prefix = server.get("url").asText().replaceFirst("/$", "");
                if (operation != null
                        && pattern(prefix + template.getKey())
                                .matcher(path.replaceFirst("\\?.*", ""))
                                .matches()) {
                    return new Operation(operation.get("operationId").asText(), operation);
                }
            }
        }
        throw new AssertionError("the document does not describe " + method + ' ' + path);
    }

    private static Pattern pattern(String template) {
        return Pattern.compile(Pattern.quote(template).replaceAll("\\{\\w+}", "\\\\E[^/?]+\\\\Q"));
    }

    private JsonNode resolve(JsonNode json) {
        return json.has("$ref") ? document.at(json.get("$ref").asText().substring(1)) : json;
    }
}
