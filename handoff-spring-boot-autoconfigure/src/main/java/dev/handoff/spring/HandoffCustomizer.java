// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

/**
 * Changes a builder before the auto-configuration builds its bean. Declare a bean for each builder to change. The type argument is one of
 * these: {@link dev.handoff.Handoff.Builder}, {@link dev.handoff.StreamEndpoint.Builder}, {@code HandoffFilter.Builder}, {@code
 * EventStreamServlet.Builder}, {@code InMemoryEventStore.Builder}, {@code InProcessTaskDispatcher.Builder}, and of handoff-mongo {@code
 * MongoEventStore.Builder}, {@code MongoTaskQueue.Builder} and {@code MongoWorker.Builder}.
 *
 * <pre>{@code
 * @Bean
 * HandoffCustomizer<HandoffFilter.Builder> routes() {
 *     return filter -> filter.post("/reports/{year}",
 *             request -> Optional.of(Task.of("report", request.pathVariable("year") + request.body())));
 * }
 *
 * @Bean
 * HandoffCustomizer<StreamEndpoint.Builder> onlyTheOwner() {
 *     return endpoint -> endpoint.authorization(
 *             (request, grant) -> Objects.equals(request.subject(), grant.subject()));
 * }
 * }</pre>
 *
 * @param <B> the type of the builder
 */
@FunctionalInterface
public interface HandoffCustomizer<B> {

    /** Changes the builder, which already has the values of the properties. */
    void customize(B builder);
}
