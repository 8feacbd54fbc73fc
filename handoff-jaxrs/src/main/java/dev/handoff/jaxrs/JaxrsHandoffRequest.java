// SPDX-License-Identifier: Apache-2.0
package dev.handoff.jaxrs;

import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Request;
import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.core.UriInfo;
import org.jspecify.annotations.Nullable;

/**
 * Adapts the request of a resource method to the core. The method takes it as a parameter with {@code @BeanParam}:
 *
 * <pre>{@code
 * @POST
 * @Path("/reports")
 * public Response report(@BeanParam JaxrsHandoffRequest request, String topic) {
 *     return Responses.of(handoff.begin(request, Task.of("report", topic)));
 * }
 * }</pre>
 *
 * <p>The subject is the name of the {@link SecurityContext}'s principal. {@link #contextPath} is the path of the base URI, which includes
 * the path of the JAX-RS application. If the address of the streams is not below this path, set {@link
 * dev.handoff.Handoff.Builder#eventsUrl}.
 *
 * <p>JAX-RS gives the content to the resource method, so {@link #body} and {@link #bodyBytes} throw a {@link ProblemException} with the
 * code {@code content_consumed}. {@link dev.handoff.Handoff} calls neither. In a {@code ContainerRequestFilter} use {@link #of}. Not
 * thread-safe.
 */
public final class JaxrsHandoffRequest implements HandoffRequest {

    @Context
    private @Nullable Request request;

    @Context
    private @Nullable UriInfo uri;

    @Context
    private @Nullable HttpHeaders headers;

    @Context
    private @Nullable SecurityContext security;

    /** Creates a request. JAX-RS calls this and sets the fields. */
    public JaxrsHandoffRequest() {}

    /**
     * Returns the request that a {@code ContainerRequestFilter} sees. Its {@link #body} reads the content, of at most 16 MiB. The resource
     * can read the content again. Its {@link #attribute} returns the properties of the context.
     */
    public static HandoffRequest of(ContainerRequestContext context) {
        return new FilteredRequest(context);
    }

    @Override
    public String method() {
        return injected(request).getMethod();
    }

    @Override
    public String path() {
        return RequestUri.path(injected(uri));
    }

    @Override
    public String contextPath() {
        return RequestUri.contextPath(injected(uri));
    }

    @Override
    public @Nullable String query() {
        return RequestUri.query(injected(uri));
    }

    @Override
    public @Nullable String header(String name) {
        return RequestUri.joined(injected(headers).getRequestHeader(name));
    }

    @Override
    public @Nullable String subject() {
        return RequestUri.subject(injected(security));
    }

    @Override
    public String body() {
        throw consumed();
    }

    @Override
    public byte[] bodyBytes() {
        throw consumed();
    }

    @Override
    public String pathVariable(String name) {
        String value = injected(uri).getPathParameters().getFirst(name);
        return value == null ? HandoffRequest.super.pathVariable(name) : value;
    }

    private static ProblemException consumed() {
        return ProblemCode.CONTENT_CONSUMED.exception(
                "The content cannot be read, because JAX-RS gives it to the resource method.");
    }

    private static <T> T injected(@Nullable T part) {
        if (part == null) {
            throw new IllegalStateException(
                    "JAX-RS did not create this request; declare it as a parameter of the resource method with @BeanParam");
        }
        return part;
    }
}
