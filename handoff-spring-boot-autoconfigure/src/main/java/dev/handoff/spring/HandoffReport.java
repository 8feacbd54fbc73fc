// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.StreamEndpoint;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Collects what the actuator shows. It does not use the API of the actuator, because that differs between Spring Boot 3 and 4. */
final class HandoffReport {

    private static final double NANOS_PER_SECOND = 1e9;

    private final HandoffProperties properties;
    private final TaskHandlers handlers;
    private final Activity activity;
    private final StreamEndpoint endpoint;
    private final TaskStore store;

    HandoffReport(
            HandoffProperties properties,
            TaskHandlers handlers,
            Activity activity,
            StreamEndpoint endpoint,
            TaskStore store) {
        this.properties = properties;
        this.handlers = handlers;
        this.activity = activity;
        this.endpoint = endpoint;
        this.store = store;
    }

    /** Returns whether the process is about to stop. */
    boolean isDraining() {
        return endpoint.isDraining();
    }

    /**
     * Checks that the store answers. Blocks.
     *
     * @throws RuntimeException if it does not
     */
    void checkStore() {
        store.check();
    }

    /** Returns the details of the health. */
    Map<String, Object> healthDetails() {
        return Map.of("store", store.name(), "draining", isDraining());
    }

    /** Returns the version, roles, store, handlers and routes, which do not change while the application runs. */
    Map<String, Object> info() {
        Map<String, Object> info = new LinkedHashMap<>();
        String version = HandoffReport.class.getPackage().getImplementationVersion();
        if (version != null) {
            info.put("version", version);
        }
        info.put("roles", roles());
        info.put("store", store.name());
        info.put("handlers", new TreeSet<>(handlers.types()));
        info.put("routes", handlers.routes(properties.routes()));
        return info;
    }

    /** Returns what the process does at the moment. Blocks until the store answers. */
    Map<String, Object> activity() {
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("roles", roles());
        report.put("store", store.name());
        report.put("draining", isDraining());
        report.put("openStreams", activity.openStreams());
        report.put("tasks", tasks());
        report.put("oldestQueuedSeconds", seconds(store.oldestQueued()));
        report.put("tailLagSeconds", seconds(activity.tailLag()));
        return report;
    }

    private Map<String, Map<String, Long>> tasks() {
        Map<String, Activity.Tasks> here = activity.tasks();
        TreeSet<String> types = new TreeSet<>(handlers.types(properties.routes()));
        types.addAll(here.keySet());
        Map<String, Long> queued = store.queued(types);
        Map<String, Map<String, Long>> tasks = new LinkedHashMap<>();
        for (String type : types) {
            Activity.Tasks counted = here.get(type);
            Map<String, Long> numbers = new LinkedHashMap<>();
            numbers.put("queued", queued.getOrDefault(type, 0L));
            numbers.put("running", counted == null ? 0L : counted.running());
            tasks.put(type, numbers);
        }
        return tasks;
    }

    private Set<String> roles() {
        TreeSet<String> names = new TreeSet<>();
        properties.roles().forEach(role -> names.add(role.name().toLowerCase(Locale.ROOT)));
        return names;
    }

    private static @Nullable Double seconds(@Nullable Duration duration) {
        return duration == null ? null : duration.toNanos() / NANOS_PER_SECOND;
    }
}
