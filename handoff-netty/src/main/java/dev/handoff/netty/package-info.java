/**
 * A streaming server on Netty: {@link dev.handoff.netty.NettyStreamingServer} serves the streams of a {@link dev.handoff.StreamEndpoint}
 * over HTTP/1.1 and HTTP/2, without a servlet container. It delivers streams only. The application that begins tasks uses
 * handoff-servlet or another adapter, and redirects clients to this server.
 *
 * <p>The contracts of servlet containers in handoff-testkit test it, except those about filters, servlets and their registration, which
 * this server does not have.
 */
@NullMarked
package dev.handoff.netty;

import org.jspecify.annotations.NullMarked;
