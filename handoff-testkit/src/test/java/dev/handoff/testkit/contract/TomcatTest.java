// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import org.junit.jupiter.api.Nested;

class TomcatTest {

    private interface OnTomcat extends ServletContainerContract {
        @Override
        default ServletContainer container() {
            return new TomcatContainer();
        }
    }

    @Nested
    class HandOff extends HandOffContract implements OnTomcat {}

    @Nested
    class Reading extends ReadingContract implements OnTomcat {}

    @Nested
    class StreamEnd extends StreamEndContract implements OnTomcat {}

    @Nested
    class Result extends ResultContract implements OnTomcat {}

    @Nested
    class Spaces extends SpacesContract implements OnTomcat {}

    @Nested
    class Access extends AccessContract implements OnTomcat {}

    @Nested
    class Http extends HttpContract implements OnTomcat {}

    @Nested
    class StoreFault extends StoreFaultContract implements OnTomcat {}

    @Nested
    class FormatFault extends FormatFaultContract implements OnTomcat {}

    @Nested
    class SlowClient extends SlowClientContract implements OnTomcat {}

    @Nested
    class Isolation extends IsolationContract implements OnTomcat {}

    @Nested
    class Resource extends ResourceContract implements OnTomcat {}

    @Nested
    class Http2 extends Http2Contract implements OnTomcat {}

    @Nested
    class JsonLines extends JsonLinesContract implements OnTomcat {}

    @Nested
    class ReaderEnd extends ReaderEndContract implements OnTomcat {}

    @Nested
    class FilteredStream extends FilteredStreamContract implements OnTomcat {}
}
