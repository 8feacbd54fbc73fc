// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.testkit.contract.SlowClientContract;
import dev.handoff.testkit.contract.StreamEndContract;
import org.junit.jupiter.api.Nested;

/** The contracts that depend on the transport, on NIO. */
class NioTest {

    private interface OnNio extends NettyContract {
        @Override
        default Transport transport() {
            return Transport.nio();
        }
    }

    @Nested
    class StreamEnd extends StreamEndContract implements OnNio {}

    @Nested
    class SlowClient extends SlowClientContract implements OnNio {}
}
