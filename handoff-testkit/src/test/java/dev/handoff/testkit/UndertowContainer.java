package dev.handoff.testkit;

import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.servlet.Servlets;
import io.undertow.servlet.api.DeploymentInfo;
import io.undertow.servlet.api.DeploymentManager;
import io.undertow.servlet.api.ServletContainerInitializerInfo;
import io.undertow.servlet.util.ImmediateInstanceFactory;
import jakarta.servlet.ServletContainerInitializer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

final class UndertowContainer implements ServletContainer {

    private @Nullable DeploymentManager deployment;
    private @Nullable Undertow undertow;

    @Override
    public URI start(Application application) throws Exception {
        ServletContainerInitializer initializer = (classes, servletContext) -> application.configure(servletContext);
        DeploymentInfo info = Servlets.deployment()
                .setClassLoader(UndertowContainer.class.getClassLoader())
                .setContextPath("/")
                .setDeploymentName("contract")
                .addServletContainerInitializer(new ServletContainerInitializerInfo(
                        initializer.getClass(), new ImmediateInstanceFactory<>(initializer), Set.of()));
        DeploymentManager manager = Servlets.defaultContainer().addDeployment(info);
        deployment = manager;
        manager.deploy();
        Undertow server = Undertow.builder()
                .addHttpListener(0, "127.0.0.1")
                .setServerOption(UndertowOptions.MAX_ENTITY_SIZE, 16L << 20)
                .setHandler(manager.start())
                .build();
        undertow = server;
        server.start();
        InetSocketAddress address =
                (InetSocketAddress) server.getListenerInfo().get(0).getAddress();
        return URI.create("http://127.0.0.1:" + address.getPort());
    }

    @Override
    public void close() throws Exception {
        Objects.requireNonNull(deployment).stop();
        Objects.requireNonNull(undertow).stop();
        deployment.undeploy();
    }
}
