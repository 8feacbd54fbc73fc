// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

/** The response that a connection sends, as its {@link RequestHandler} sees it. The event loop calls all methods. */
interface Response {

    /** Called when the socket takes more again. */
    void onWritable();

    /** Called about once a second, or more often. Never blocks. */
    void onTick();

    /** Returns whether this is the response to a reader of a stream, or carries its document. */
    boolean belongsTo(StreamResponse stream);

    /** Notes that the client has taken nothing until the write deadline. The response is aborted next. */
    void tooSlow();

    /** Called when the connection is gone. May be called again. */
    void onClosed();
}
