// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import io.undertow.Handlers;
import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.servlet.Servlets;
import io.undertow.servlet.api.DeploymentInfo;
import io.undertow.servlet.api.DeploymentManager;
import io.undertow.servlet.api.ServletContainerInitializerInfo;
import io.undertow.servlet.util.ImmediateInstanceFactory;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.ServletContainerInitializer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

final class UndertowContainer implements ServletContainer {

    private @Nullable DeploymentManager deployment;
    private @Nullable Undertow undertow;

    @Override
    public URI start(String contextPath, List<Filter> declared, Application application) throws Exception {
        ServletContainerInitializer initializer = (classes, servletContext) -> application.configure(servletContext);
        DeploymentInfo info = Servlets.deployment()
                .setClassLoader(UndertowContainer.class.getClassLoader())
                .setContextPath(contextPath.isEmpty() ? "/" : contextPath)
                .setDeploymentName("contract")
                .addServletContainerInitializer(new ServletContainerInitializerInfo(
                        initializer.getClass(), new ImmediateInstanceFactory<>(initializer), Set.of()));
        for (int i = 0; i < declared.size(); i++) {
            String name = "declared " + i;
            Filter filter = declared.get(i);
            info.addFilter(Servlets.filter(name, filter.getClass(), new ImmediateInstanceFactory<>(filter))
                            .setAsyncSupported(true))
                    .addFilterUrlMapping(name, "/*", DispatcherType.REQUEST);
        }
        DeploymentManager manager = Servlets.defaultContainer().addDeployment(info);
        deployment = manager;
        manager.deploy();
        Undertow server = Undertow.builder()
                .addHttpListener(0, "127.0.0.1")
                .setServerOption(UndertowOptions.MAX_ENTITY_SIZE, 16L << 20)
                .setServerOption(UndertowOptions.ENABLE_HTTP2, true)
                .setHandler(Handlers.path().addPrefixPath(info.getContextPath(), manager.start()))
                .build();
        undertow = server;
        server.start();
        InetSocketAddress address =
                (InetSocketAddress) server.getListenerInfo().get(0).getAddress();
        return URI.create("http://127.0.0.1:" + address.getPort() + contextPath);
    }

    @Override
    public void close() throws Exception {
        Objects.requireNonNull(deployment).stop();
        Objects.requireNonNull(undertow).stop();
        deployment.undeploy();
    }
}
