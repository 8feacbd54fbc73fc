// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

/**
 * Tests {@code HandoffFilter} and {@code EventStreamServlet} on a servlet container, over real sockets. The classes that implement this
 * interface contain the tests, by topic. The test class of a container nests a subclass of each of these classes, and supplies the
 * container.
 */
public interface ServletContainerContract {

    /** Returns a container that has not been started. */
    ServletContainer container();
}
