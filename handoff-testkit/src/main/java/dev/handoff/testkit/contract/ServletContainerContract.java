// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

/**
 * What {@code HandoffFilter} and {@code EventStreamServlet} do on every servlet container, over real sockets. The rules are in the classes that
 * implement this interface, by topic. The test class of a container nests a subclass of each, and supplies the container.
 */
public interface ServletContainerContract {

    /** Returns a container that has not been started yet. */
    ServletContainer container();
}
