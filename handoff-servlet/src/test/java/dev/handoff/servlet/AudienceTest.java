package dev.handoff.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.delivery.SseWriter;
import dev.handoff.delivery.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.servlet.Connection.Produced;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import org.junit.jupiter.api.Test;

class AudienceTest {

    private static final String STREAM = "0123456789abcdef0123456789abcdef";
    private static final String OTHER = "fedcba9876543210fedcba9876543210";

    private final Audience.All audiences = new Audience.All();
    private final SseWriter frames = new SseWriter().event(null, null, "a");

    @Test
    void keepsForOthersWhoHaveComeAsFar() {
        Audience audience = join(STREAM);
        assertThat(join(STREAM)).isSameAs(audience);
        Audience.Part part = new Audience.Part(4, 6, frames, Produced.ALL);
        assertThat(audience.keep(part)).isTrue();

        assertThat(audience.after(4)).isSameAs(part);
        assertThat(audience.after(3)).isNull();
        assertThat(audience.after(6)).isNull();
    }

    @Test
    void keepsNothingForOneReader() {
        Audience audience = join(STREAM);
        Audience.Part part = new Audience.Part(-1, 0, frames, Produced.ALL);
        assertThat(audience.keep(part)).isFalse();
        assertThat(audience.after(-1)).isNull();

        join(STREAM);
        assertThat(audience.keep(part)).isTrue();
        audiences.leave(audience);
        assertThat(audience.after(-1)).isNull();
        assertThat(audience.keep(part)).isFalse();
        assertThat(audience.after(-1)).isNull();
    }

    @Test
    void isOfOneStreamInOneFormat() {
        Audience audience = join(STREAM);
        assertThat(join(OTHER)).isNotSameAs(audience);
        assertThat(audiences.join(STREAM, new OtherFormat("other"))).isNotSameAs(audience);
    }

    @Test
    void isForgottenWithItsLastReader() {
        Audience audience = join(STREAM);
        join(STREAM);
        audiences.leave(audience);
        assertThat(audiences.size()).isEqualTo(1);
        audiences.leave(audience);
        assertThat(audiences.size()).isZero();
        assertThat(join(STREAM)).isNotSameAs(audience);
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

    private Audience join(String stream) {
        return audiences.join(stream, StreamFormat.standard());
    }
}
