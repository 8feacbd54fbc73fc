// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.testkit.contract.ServletContainer;
import jakarta.servlet.Filter;
import java.net.URI;
import java.util.List;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** The container of the application that redirects clients to the streaming server. */
final class JettyApplication implements ServletContainer {

    private final Server server = new Server();

    @Override
    public URI start(String contextPath, List<Filter> declared, Application application) throws Exception {
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler("/");
        context.addServletContainerInitializer((classes, servletContext) -> application.configure(servletContext));
        server.setHandler(context);
        server.start();
        return URI.create("http://127.0.0.1:" + connector.getLocalPort());
    }

    @Override
    public void close() throws Exception {
        server.stop();
    }
}
