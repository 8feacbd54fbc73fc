// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the tools of a request, the choice among them, and calls of tools in messages. Not thread-safe. */
final class ToolsReader {

    private static final int MAX_TOOLS = 128;
    private static final String NAME = "[a-zA-Z0-9_-]{1,64}";

    private final ParamReader params;

    private final Set<String> functions = new LinkedHashSet<>();
    private final Set<String> customs = new LinkedHashSet<>();
    private @Nullable String mode;
    private @Nullable String chosen;

    ToolsReader(ParamReader params) {
        this.params = params;
    }

    void readTools() throws IOException {
        functions.clear();
        customs.clear();
        if (params.atNull()) {
            return;
        }
        int size = params.array("tools", index -> readTool("tools[" + index + ']'));
        if (size > MAX_TOOLS) {
            params.mistake("tools", "has " + size + " elements, more than " + MAX_TOOLS + '.');
        }
    }

    private void readTool(String param) throws IOException {
        Map<String, @Nullable String> names = new HashMap<>();
        String type = readTyped(param, names);
        if (type == null) {
            return;
        }
        if (type.equals("function")) {
            addNamed(functions, param + ".function", names.get("function"));
        } else if (type.equals("custom")) {
            addNamed(customs, param + ".custom", names.get("custom"));
        }
    }

    private void addNamed(Set<String> to, String param, @Nullable String name) {
        if (name == null) {
            params.mistake(param, "has no name.");
        } else if (!name.matches(NAME)) {
            params.mistake(param + ".name", "is not 1 to 64 characters of a-z, A-Z, 0-9, _ and -.");
        } else if (to.size() < MAX_TOOLS) {
            to.add(name);
        }
    }

    /**
     * Reads an object with a type. Returns the type; null if it has none, which is a mistake.
     *
     * @param names receives the names in the objects {@code function} and {@code custom}
     */
    private @Nullable String readTyped(String param, Map<String, @Nullable String> names) throws IOException {
        Map<String, @Nullable String> type = new HashMap<>();
        boolean object = params.object(param, field -> {
            switch (field) {
                case "type" -> type.put(field, params.string(param + ".type"));
                case "function", "custom" -> readNamed(param + '.' + field, field, names);
                default -> params.skip();
            }
        });
        if (object && !type.containsKey("type")) {
            params.mistake(param + ".type", "is missing.");
        }
        return type.get("type");
    }

    private void readNamed(String param, String kind, Map<String, @Nullable String> names) throws IOException {
        params.object(param, field -> {
            boolean absent = params.atNull();
            if (field.equals("name")) {
                names.put(kind, params.string(param + ".name"));
            } else if (field.equals("parameters") && !absent) {
                params.object(param + ".parameters", ignored -> params.skip());
            } else if (field.equals("description") && !absent) {
                params.string(param + ".description");
            } else if (field.equals("strict")) {
                params.flag(param + ".strict");
            } else {
                params.skip();
            }
        });
    }

    void readChoice() throws IOException {
        mode = null;
        chosen = null;
        if (params.atNull()) {
            return;
        }
        if (params.atString()) {
            mode = params.oneOf("tool_choice", "none", "auto", "required");
            return;
        }
        Map<String, @Nullable String> names = new HashMap<>();
        String type = readTyped("tool_choice", names);
        if (type == null || (!type.equals("function") && !type.equals("custom"))) {
            return;
        }
        mode = type;
        chosen = names.get(type);
        if (chosen == null) {
            params.mistake("tool_choice." + type, "has no name.");
        }
    }

    /** Checks that the chosen tool is there. Called after the whole request has been read. */
    void check() {
        boolean there = functions.contains(chosen) || customs.contains(chosen);
        if (chosen != null && !there) {
            params.mistake("tool_choice", "names a tool that is not in 'tools'.");
        } else if ("required".equals(mode) && functions.isEmpty() && customs.isEmpty()) {
            params.mistake("tool_choice", "requires a call, and 'tools' is empty.");
        }
    }

    List<String> functions() {
        return List.copyOf(functions);
    }

    /** Returns the function that the model must call; null for none. */
    @Nullable
    String required() {
        if ("required".equals(mode)) {
            return functions.stream().findFirst().orElse(null);
        }
        return "function".equals(mode) ? chosen : null;
    }

    /** Returns false if the model must not call a tool. */
    boolean mayCall() {
        return !"none".equals(mode);
    }

    /** Reads the calls that a message of an assistant holds. */
    void readCalls(String param) throws IOException {
        if (!params.atNull()) {
            params.array(param, index -> readCall(param + '[' + index + ']'));
        }
    }

    private void readCall(String param) throws IOException {
        Set<String> present = new HashSet<>();
        boolean object = params.object(param, field -> {
            present.add(field);
            switch (field) {
                case "id", "type" -> params.string(param + '.' + field);
                case "function" -> readFunctionCall(param + ".function");
                default -> params.skip();
            }
        });
        if (object) {
            requireAll(param, present, "id", "type");
        }
        if (object && !present.contains("custom")) {
            requireAll(param, present, "function");
        }
    }

    private void readFunctionCall(String param) throws IOException {
        Set<String> present = new HashSet<>();
        boolean object = params.object(param, field -> {
            present.add(field);
            if (field.equals("name") || field.equals("arguments")) {
                params.string(param + '.' + field);
            } else {
                params.skip();
            }
        });
        if (object) {
            requireAll(param, present, "name", "arguments");
        }
    }

    private void requireAll(String param, Set<String> present, String... names) {
        for (String name : names) {
            if (!present.contains(name)) {
                params.mistake(param + '.' + name, "is missing.");
            }
        }
    }
}
