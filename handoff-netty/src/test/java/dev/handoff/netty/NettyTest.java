// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.testkit.contract.AccessContract;
import dev.handoff.testkit.contract.FormatFaultContract;
import dev.handoff.testkit.contract.HandOffContract;
import dev.handoff.testkit.contract.Http2Contract;
import dev.handoff.testkit.contract.HttpContract;
import dev.handoff.testkit.contract.IsolationContract;
import dev.handoff.testkit.contract.JsonLinesContract;
import dev.handoff.testkit.contract.ReaderEndContract;
import dev.handoff.testkit.contract.ReadingContract;
import dev.handoff.testkit.contract.ResourceContract;
import dev.handoff.testkit.contract.ResultContract;
import dev.handoff.testkit.contract.SlowClientContract;
import dev.handoff.testkit.contract.StoreFaultContract;
import dev.handoff.testkit.contract.StreamEndContract;
import org.junit.jupiter.api.Nested;

class NettyTest {

    @Nested
    class HandOff extends HandOffContract implements NettyContract {}

    @Nested
    class Reading extends ReadingContract implements NettyContract {}

    @Nested
    class StreamEnd extends StreamEndContract implements NettyContract {}

    @Nested
    class Result extends ResultContract implements NettyContract {}

    @Nested
    class Access extends AccessContract implements NettyContract {}

    @Nested
    class Http extends HttpContract implements NettyContract {}

    @Nested
    class StoreFault extends StoreFaultContract implements NettyContract {}

    @Nested
    class FormatFault extends FormatFaultContract implements NettyContract {}

    @Nested
    class SlowClient extends SlowClientContract implements NettyContract {}

    @Nested
    class Isolation extends IsolationContract implements NettyContract {}

    @Nested
    class Resource extends ResourceContract implements NettyContract {}

    @Nested
    class Http2 extends Http2Contract implements NettyContract {}

    @Nested
    class JsonLines extends JsonLinesContract implements NettyContract {}

    @Nested
    class ReaderEnd extends ReaderEndContract implements NettyContract {}
}
