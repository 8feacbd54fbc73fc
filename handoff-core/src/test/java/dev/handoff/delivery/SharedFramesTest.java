// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.delivery.Feed.Produced;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import org.junit.jupiter.api.Test;

class SharedFramesTest {

    private static final String STREAM = "0123456789abcdef0123456789abcdef";
    private static final String OTHER = "fedcba9876543210fedcba9876543210";

    private final SharedFrames.All all = new SharedFrames.All();
    private final SseWriter frames = new SseWriter().event(null, null, "a");

    @Test
    void keepsForOthersWhoHaveComeAsFar() {
        SharedFrames shared = join(STREAM);
        assertThat(join(STREAM)).isSameAs(shared);
        SharedFrames.Part part = new SharedFrames.Part(4, 6, frames, Produced.CAUGHT_UP, null);
        assertThat(shared.keep(part)).isTrue();

        assertThat(shared.after(4)).isSameAs(part);
        assertThat(shared.after(3)).isNull();
        assertThat(shared.after(6)).isNull();
    }

    @Test
    void keepsNothingForOneReader() {
        SharedFrames shared = join(STREAM);
        SharedFrames.Part part = new SharedFrames.Part(-1, 0, frames, Produced.CAUGHT_UP, null);
        assertThat(shared.keep(part)).isFalse();
        assertThat(shared.after(-1)).isNull();

        join(STREAM);
        assertThat(shared.keep(part)).isTrue();
        all.leave(shared);
        assertThat(shared.after(-1)).isNull();
        assertThat(shared.keep(part)).isFalse();
        assertThat(shared.after(-1)).isNull();
    }

    @Test
    void isOfOneStreamInOneFormat() {
        SharedFrames shared = join(STREAM);
        assertThat(join(OTHER)).isNotSameAs(shared);
        assertThat(all.join(STREAM, new OtherFormat("other"))).isNotSameAs(shared);
    }

    @Test
    void isForgottenWithItsLastReader() {
        SharedFrames shared = join(STREAM);
        join(STREAM);
        all.leave(shared);
        assertThat(all.size()).isEqualTo(1);
        all.leave(shared);
        assertThat(all.size()).isZero();
        assertThat(join(STREAM)).isNotSameAs(shared);
    }

    private record OtherFormat(String name) implements StreamFormat.EventFormat {

        @Override
        public List<Frame> frames(Event event) {
            return List.of();
        }

        @Override
        public List<Frame> frames(End end) {
            return List.of();
        }

        @Override
        public Frame interrupted(Problem problem) {
            return new Frame(null, problem.toJson());
        }
    }

    private SharedFrames join(String stream) {
        return all.join(stream, StreamFormat.standard());
    }
}
