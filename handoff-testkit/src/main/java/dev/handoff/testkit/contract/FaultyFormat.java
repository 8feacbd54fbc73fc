// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** The standard format. A test can replace each of its methods. */
final class FaultyFormat implements StreamFormat.EventFormat {

    static final String NAME = "faulty";

    volatile Function<Event, List<Frame>> events = standard()::frames;
    volatile Function<End, List<Frame>> ends = standard()::frames;
    volatile Function<Problem, Frame> interruptions = standard()::interrupted;
    volatile Function<Problem, Reply> errors = Problem::toReply;
    volatile Predicate<End> clean = end -> true;
    volatile Supplier<Map<String, String>> headers = Map::of;

    private static StreamFormat.EventFormat standard() {
        return StreamFormat.standard();
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<Frame> frames(Event event) {
        return events.apply(event);
    }

    @Override
    public List<Frame> frames(End end) {
        return ends.apply(end);
    }

    @Override
    public boolean endsCleanly(End end) {
        return clean.test(end);
    }

    @Override
    public Frame interrupted(Problem problem) {
        return interruptions.apply(problem);
    }

    @Override
    public Reply error(Problem problem) {
        return errors.apply(problem);
    }

    @Override
    public Map<String, String> headers(String streamId) {
        return headers.get();
    }

    /** The result format. A test can replace each of its methods. */
    static final class Document implements StreamFormat.DocumentFormat {

        static final String NAME = "faulty-document";

        volatile Function<End, Reply> documents = StreamFormat.result()::document;
        volatile Function<Problem, Reply> errors = Problem::toReply;
        volatile Supplier<Map<String, String>> headers = Map::of;

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public Reply document(End end) {
            return documents.apply(end);
        }

        @Override
        public Reply error(Problem problem) {
            return errors.apply(problem);
        }

        @Override
        public Map<String, String> headers(String streamId) {
            return headers.get();
        }
    }
}
