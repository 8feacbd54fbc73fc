/**
 * Connects the core to resources of Jakarta RESTful Web Services (JAX-RS 3.1). {@link dev.handoff.jaxrs.JaxrsHandoffRequest} is the request
 * of a resource method or filter, {@link dev.handoff.jaxrs.Responses} makes the response, and {@link
 * dev.handoff.jaxrs.ProblemExceptionMapper} answers problems. A streaming server delivers the streams, such as that of {@code
 * handoff-servlet}.
 */
@NullMarked
package dev.handoff.jaxrs;

import org.jspecify.annotations.NullMarked;
