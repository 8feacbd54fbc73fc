// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads a stream as it comes. */
final class EventReader implements AutoCloseable {

    private final BufferedReader lines;

    EventReader(InputStream body) {
        this.lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
    }

    /** Waits for the next one; empty at the end. */
    Optional<Frame> next() {
        @Nullable String id = null;
        @Nullable String type = null;
        @Nullable String data = null;
        try {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("id: ")) {
                    id = line.substring(4);
                } else if (line.startsWith("event: ")) {
                    type = line.substring(7);
                } else if (line.startsWith("data: ")) {
                    data = line.substring(6);
                } else if (line.isEmpty() && data != null) {
                    return Optional.of(new Frame(id, type, data));
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All that are left. */
    List<Frame> rest() {
        List<Frame> frames = new ArrayList<>();
        for (Optional<Frame> frame = next(); frame.isPresent(); frame = next()) {
            frames.add(frame.get());
        }
        return frames;
    }

    /** All that are left of an answer whose connection is aborted after them. Fails if it ends cleanly. */
    List<Frame> untilAbort() {
        List<Frame> frames = new ArrayList<>();
        try {
            for (Optional<Frame> frame = next(); frame.isPresent(); frame = next()) {
                frames.add(frame.get());
            }
        } catch (UncheckedIOException e) {
            return frames;
        }
        throw new AssertionError("the answer ended cleanly after " + frames);
    }

    /** Those up to the first that adds text, and this one. */
    List<Frame> untilText() {
        List<Frame> frames = new ArrayList<>();
        do {
            frames.add(next().orElseThrow());
        } while (frames.get(frames.size() - 1).text().isEmpty());
        return frames;
    }

    static String text(List<Frame> frames) {
        StringBuilder text = new StringBuilder();
        frames.stream().filter(f -> f.type() == null).forEach(f -> text.append(f.text()));
        return text.toString();
    }

    @Override
    public void close() {
        try {
            lines.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
