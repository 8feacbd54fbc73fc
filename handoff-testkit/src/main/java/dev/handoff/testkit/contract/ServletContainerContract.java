// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import java.util.Optional;

/**
 * Tests {@code HandoffFilter} and {@code EventStreamServlet} on a servlet container, over real sockets. The classes that implement this
 * interface contain the tests, by topic. The test class of a container nests a subclass of each of these classes, and supplies the
 * container.
 *
 * <p>The same classes test a streaming server that is not a servlet, except {@link FilteredStreamContract}, and {@link SpacesContract} if the server sends no
 * spaces. Its test class also overrides {@link #streamServer}. The container then runs only the application, which redirects clients to that server.
 */
public interface ServletContainerContract {

    /** Returns a container that has not been started. */
    ServletContainer container();

    /** Returns a streaming server that has not been started; empty if {@code EventStreamServlet} delivers the streams. */
    default Optional<StreamServer> streamServer(StreamServer.Settings settings) {
        return Optional.empty();
    }
}
