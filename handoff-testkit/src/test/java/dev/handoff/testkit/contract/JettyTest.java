// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import org.junit.jupiter.api.Nested;

class JettyTest {

    private interface OnJetty extends ServletContainerContract {
        @Override
        default ServletContainer container() {
            return new JettyContainer();
        }
    }

    @Nested
    class HandOff extends HandOffContract implements OnJetty {}

    @Nested
    class Reading extends ReadingContract implements OnJetty {}

    @Nested
    class StreamEnd extends StreamEndContract implements OnJetty {}

    @Nested
    class Result extends ResultContract implements OnJetty {}

    @Nested
    class Spaces extends SpacesContract implements OnJetty {}

    @Nested
    class Access extends AccessContract implements OnJetty {}

    @Nested
    class Http extends HttpContract implements OnJetty {}

    @Nested
    class StoreFault extends StoreFaultContract implements OnJetty {}

    @Nested
    class FormatFault extends FormatFaultContract implements OnJetty {}

    @Nested
    class SlowClient extends SlowClientContract implements OnJetty {}

    @Nested
    class Isolation extends IsolationContract implements OnJetty {}

    @Nested
    class Resource extends ResourceContract implements OnJetty {}

    @Nested
    class Http2 extends Http2Contract implements OnJetty {}

    @Nested
    class JsonLines extends JsonLinesContract implements OnJetty {}

    @Nested
    class ReaderEnd extends ReaderEndContract implements OnJetty {}

    @Nested
    class FilteredStream extends FilteredStreamContract implements OnJetty {}
}
