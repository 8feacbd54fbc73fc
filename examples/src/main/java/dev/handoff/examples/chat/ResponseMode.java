// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.Handoff;
import dev.handoff.format.StreamFormat;
import java.util.Arrays;
import java.util.Optional;

/**
 * Says how a client wants a response. A task keeps its mode as the name of its format, so each server knows the mode of each response.
 */
enum ResponseMode {
    /** The client reads the events, and can retrieve the response later. */
    STREAM("response"),
    /** The client reads the events. The response cannot be retrieved. */
    STREAM_UNSTORED("response-unstored"),
    /** The client waits for the whole response, and can retrieve it later. */
    DOCUMENT("response-document"),
    /** The client waits for the whole response. The response cannot be retrieved. */
    DOCUMENT_UNSTORED("response-document-unstored"),
    /** The model continues without a reader. The client retrieves the response or its events, and can cancel it. */
    BACKGROUND("response-background");

    private final String formatName;

    ResponseMode(String formatName) {
        this.formatName = formatName;
    }

    /** Returns the mode of a response that is not in the background. */
    static ResponseMode foreground(boolean stream, boolean store) {
        if (stream) {
            return store ? STREAM : STREAM_UNSTORED;
        }
        return store ? DOCUMENT : DOCUMENT_UNSTORED;
    }

    /** Returns the mode that has a format; empty if the format is not one of a response. */
    static Optional<ResponseMode> ofFormat(String formatName) {
        return Arrays.stream(values())
                .filter(mode -> mode.formatName.equals(formatName))
                .findFirst();
    }

    /** Adds the formats of all modes. */
    static Handoff.Builder addFormats(Handoff.Builder builder) {
        for (ResponseMode mode : values()) {
            builder.format(mode.format());
        }
        return builder;
    }

    /** Returns the name of the format. */
    String formatName() {
        return formatName;
    }

    /** Returns whether the response can be retrieved. */
    boolean stored() {
        return this != STREAM_UNSTORED && this != DOCUMENT_UNSTORED;
    }

    private StreamFormat format() {
        return this == DOCUMENT || this == DOCUMENT_UNSTORED
                ? new ResponseDocumentFormat(formatName)
                : new ResponseFormat(formatName);
    }
}
