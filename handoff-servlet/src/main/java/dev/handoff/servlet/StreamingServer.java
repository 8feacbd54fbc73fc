// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

/** The server to which a connection belongs, as the connection sees it. */
interface StreamingServer {

    /** Called when a response has begun. */
    void opened(Connection connection);

    /** Called when nothing more will be written; may be called again. */
    void closed(Connection connection);

    /** Runs an action after a time, on the timer. */
    void later(long millis, Runnable action);

    /** Returns the time in milliseconds of the ticker. */
    long now();

    /** Returns how long a client may take nothing before it is cut off, in milliseconds. */
    long writeDeadlineMillis();

    Container container();
}
