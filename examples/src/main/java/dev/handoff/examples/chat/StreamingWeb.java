// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

/** The web server of the role {@code stream}: delivers streams, and answers {@code /healthz} and {@code /readyz}. */
interface StreamingWeb {

    /**
     * Starts, and returns when the server accepts requests.
     *
     * @throws StartException if the address cannot be bound
     */
    void start();

    /** Returns the address for clients on this machine. */
    String url();

    /** Interrupts the open streams, and stops. */
    void stop();
}
