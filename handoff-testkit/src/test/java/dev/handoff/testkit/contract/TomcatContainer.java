// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import jakarta.servlet.Filter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;

final class TomcatContainer implements ServletContainer {

    private final Tomcat tomcat = new Tomcat();

    @Override
    public URI start(String contextPath, List<Filter> declared, Application application) throws Exception {
        Path base = Files.createTempDirectory(Path.of("target"), "tomcat");
        tomcat.setBaseDir(base.toAbsolutePath().toString());
        tomcat.setHostname("127.0.0.1");
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        tomcat.getConnector().addUpgradeProtocol(new Http2Protocol());
        Context context = tomcat.addContext(contextPath, null);
        for (int i = 0; i < declared.size(); i++) {
            FilterDef definition = new FilterDef();
            definition.setFilterName("declared " + i);
            definition.setFilter(declared.get(i));
            definition.setAsyncSupported("true");
            context.addFilterDef(definition);
            FilterMap map = new FilterMap();
            map.setFilterName(definition.getFilterName());
            map.addURLPattern("/*");
            context.addFilterMap(map);
        }
        context.addServletContainerInitializer(
                (classes, servletContext) -> application.configure(servletContext), Set.of());
        tomcat.start();
        return URI.create("http://127.0.0.1:" + tomcat.getConnector().getLocalPort() + contextPath);
    }

    @Override
    public void close() throws Exception {
        tomcat.stop();
        tomcat.destroy();
    }
}
