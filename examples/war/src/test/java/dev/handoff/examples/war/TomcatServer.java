// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.war;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.servlets.DefaultServlet;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.scan.StandardJarScanner;

/** Deploys the WAR, as Maven has built it, on an embedded Tomcat at the context path {@code /shop}. */
public final class TomcatServer implements AutoCloseable {

    private static final String CONTEXT_PATH = "/shop";
    private static final int PORT = 8080;

    private final Tomcat tomcat = new Tomcat();

    TomcatServer(int port, Path module) throws Exception {
        Path war = module.resolve("target/reports").toAbsolutePath();
        if (!Files.isRegularFile(war.resolve("WEB-INF/web.xml"))) {
            throw new IllegalStateException("there is no WAR at " + war + "; run mvn package");
        }
        tomcat.setBaseDir(module.resolve("target/tomcat").toAbsolutePath().toString());
        tomcat.setHostname("127.0.0.1");
        tomcat.setPort(port);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        // An installed Tomcat has these defaults in conf/web.xml. The embedded one would add JSP, which is not on the
        // class path.
        tomcat.setAddDefaultWebXmlToWebapp(false);
        Context context = tomcat.addWebapp(CONTEXT_PATH, war.toString());
        Tomcat.addServlet(context, "default", new DefaultServlet()).addMapping("/");
        context.addWelcomeFile("index.html");
        context.addMimeMapping("html", "text/html");
        // The class path of the test is none of the application.
        ((StandardJarScanner) context.getJarScanner()).setScanClassPath(false);
        tomcat.start();
        if (!context.getState().isAvailable()) {
            throw new IllegalStateException("the application did not start; the log says why");
        }
    }

    /** Starts the server on port 8080 and waits until the process is stopped. The argument is the folder of the module. */
    public static void main(String[] args) throws Exception {
        try (TomcatServer server = new TomcatServer(PORT, Path.of(args[0]))) {
            System.out.println("Open " + server.root() + "/ in a browser. Stop the server with Ctrl+C.");
            server.tomcat.getServer().await();
        }
    }

    /** Returns the address of the application, without a slash at the end. */
    URI root() {
        return URI.create("http://127.0.0.1:" + tomcat.getConnector().getLocalPort() + CONTEXT_PATH);
    }

    @Override
    public void close() throws LifecycleException {
        tomcat.stop();
        tomcat.destroy();
    }
}
