// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.testkit.contract.ServletContainer;
import dev.handoff.testkit.contract.ServletContainerContract;
import dev.handoff.testkit.contract.StreamServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Supplies the streaming server on Netty to the contracts of servlet containers. */
interface NettyContract extends ServletContainerContract {

    /** Returns the transport of the event loops. */
    default Transport transport() {
        return Transport.best();
    }

    @Override
    default ServletContainer container() {
        return new JettyApplication();
    }

    @Override
    default Optional<StreamServer> streamServer(StreamServer.Settings settings) {
        NettyStreamingServer server = NettyStreamingServer.builder(settings.endpoint(), settings.executor())
                .address(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .path(settings.path())
                .writeDeadline(settings.writeDeadline())
                .drainWindow(settings.drainWindow())
                .transport(transport())
                .build();
        return Optional.of(new Started(server));
    }

    /** The streaming server, as the contracts use it. */
    record Started(NettyStreamingServer server) implements StreamServer {

        @Override
        public URI start() throws Exception {
            server.start();
            return URI.create("http://127.0.0.1:" + server.port());
        }

        @Override
        public CompletableFuture<Void> drain() {
            return server.drain();
        }

        @Override
        public void reopen() {
            server.reopen();
        }

        @Override
        public void close() {
            server.close();
        }
    }
}
