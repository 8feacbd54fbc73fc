// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import org.junit.jupiter.api.Nested;

class UndertowTest {

    private interface OnUndertow extends ServletContainerContract {
        @Override
        default ServletContainer container() {
            return new UndertowContainer();
        }
    }

    @Nested
    class HandOff extends HandOffContract implements OnUndertow {}

    @Nested
    class Reading extends ReadingContract implements OnUndertow {}

    @Nested
    class StreamEnd extends StreamEndContract implements OnUndertow {}

    @Nested
    class Result extends ResultContract implements OnUndertow {}

    @Nested
    class Spaces extends SpacesContract implements OnUndertow {}

    @Nested
    class Access extends AccessContract implements OnUndertow {}

    @Nested
    class Http extends HttpContract implements OnUndertow {}

    @Nested
    class StoreFault extends StoreFaultContract implements OnUndertow {}

    @Nested
    class FormatFault extends FormatFaultContract implements OnUndertow {}

    @Nested
    class SlowClient extends SlowClientContract implements OnUndertow {}

    @Nested
    class Isolation extends IsolationContract implements OnUndertow {}

    @Nested
    class Resource extends ResourceContract implements OnUndertow {}

    @Nested
    class Http2 extends Http2Contract implements OnUndertow {}

    @Nested
    class JsonLines extends JsonLinesContract implements OnUndertow {}

    @Nested
    class ReaderEnd extends ReaderEndContract implements OnUndertow {}

    @Nested
    class FilteredStream extends FilteredStreamContract implements OnUndertow {}
}
