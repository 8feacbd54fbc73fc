// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.util.concurrent.CompletableFuture;

/** Interrupts all open streams of this process. It does not refer to the servlet, because a worker may have no Servlet API. */
interface StreamDrain {

    /** Begins to interrupt the streams, and returns a future that completes when the last response has ended. Does not block. */
    CompletableFuture<Void> drain();

    /** Delivers streams again after {@link #drain}. */
    void reopen();
}
