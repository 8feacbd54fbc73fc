// SPDX-License-Identifier: Apache-2.0
package dev.handoff.format;

import dev.handoff.http.Problem;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** See {@link StreamFormat#standard()}. */
final class StandardFormat implements StreamFormat.EventFormat {

    static final StandardFormat INSTANCE = new StandardFormat();

    private StandardFormat() {}

    @Override
    public String name() {
        return "standard";
    }

    @Override
    public StreamFormat.EventFormat acceptedBy(@Nullable String accept) {
        return JsonLinesFormat.isAskedFor(accept) ? JsonLinesFormat.INSTANCE : this;
    }

    @Override
    public List<StreamFormat.Frame> frames(Event event) {
        return List.of(new StreamFormat.Frame(event.type(), event.data()));
    }

    @Override
    public List<StreamFormat.Frame> frames(End end) {
        StreamFormat.Frame frame;
        if (end instanceof End.Completed completed) {
            frame = new StreamFormat.Frame("completed", Objects.requireNonNullElse(completed.result(), ""));
        } else if (end instanceof End.Failed failed) {
            frame = new StreamFormat.Frame("failed", failed.problem().toJson());
        } else {
            frame = new StreamFormat.Frame("cancelled", "");
        }
        return List.of(frame);
    }

    @Override
    public StreamFormat.Frame interrupted(Problem problem) {
        return new StreamFormat.Frame("interrupted", problem.toJson());
    }
}
