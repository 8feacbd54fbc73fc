// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.context.ContextRegistry;
import io.micrometer.context.ThreadLocalAccessor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ContextCaptureTest {

    private static final String KEY = "broken";

    /** When the accessor of the application throws. */
    private enum Failing {
        GET,
        SET,
        RESTORE
    }

    @AfterEach
    void remove() {
        ContextRegistry.getInstance().removeThreadLocalAccessor(KEY);
    }

    @ParameterizedTest
    @EnumSource(Failing.class)
    @DisplayName("R16 a job runs once, also if an accessor of the context throws")
    void jobRuns(Failing failing) {
        ContextRegistry.getInstance().registerThreadLocalAccessor(new Broken(failing));
        List<String> ran = new ArrayList<>();
        new ContextCapture().decorate(Runnable::run).execute(() -> ran.add("job"));
        assertThat(ran).containsExactly("job");
    }

    private record Broken(Failing failing) implements ThreadLocalAccessor<String> {

        @Override
        public Object key() {
            return KEY;
        }

        @Override
        public String getValue() {
            fail(Failing.GET);
            return "value";
        }

        @Override
        public void setValue(String value) {
            fail(Failing.SET);
        }

        @Override
        public void setValue() {
            fail(Failing.SET);
        }

        @Override
        public void restore(String previous) {
            fail(Failing.RESTORE);
        }

        @Override
        public void restore() {
            fail(Failing.RESTORE);
        }

        private void fail(Failing now) {
            if (failing == now) {
                throw new IllegalStateException("the accessor fails at " + now);
            }
        }
    }
}
