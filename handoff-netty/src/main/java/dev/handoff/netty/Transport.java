// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;

/**
 * The way in which event loops wait for sockets.
 *
 * @param handlers creates the part of an event loop that waits
 * @param channel the type of the listening socket
 */
record Transport(IoHandlerFactory handlers, Class<? extends ServerChannel> channel) {

    /** Returns epoll where the native library of Netty runs, else NIO. */
    static Transport best() {
        return Epoll.isAvailable() ? new Transport(EpollIoHandler.newFactory(), EpollServerSocketChannel.class) : nio();
    }

    static Transport nio() {
        return new Transport(NioIoHandler.newFactory(), NioServerSocketChannel.class);
    }
}
