// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContainerTestsTest {

    @ParameterizedTest
    @ValueSource(classes = {JettyTest.class, TomcatTest.class, UndertowTest.class})
    @DisplayName("the test of each container nests all contracts of containers")
    void complete(Class<?> test) throws Exception {
        List<Class<?>> nested = new ArrayList<>();
        for (Class<?> of : test.getDeclaredClasses()) {
            if (!of.isInterface()) {
                nested.add(of.getSuperclass());
            }
        }
        assertThat(nested).isNotEmpty().containsExactlyInAnyOrderElementsOf(contracts());
    }

    private static List<Class<?>> contracts() throws Exception {
        URL file = Objects.requireNonNull(ContainerClient.class.getResource("ContainerClient.class"));
        Path folder = Path.of(file.toURI()).resolve("..").normalize();
        List<Class<?>> contracts = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (String name : files.map(f -> f.getFileName().toString()).toList()) {
                if (name.endsWith("Contract.class")) {
                    Class<?> type =
                            Class.forName(ContainerClient.class.getPackageName() + '.' + name.replace(".class", ""));
                    if (type.getSuperclass() == ContainerClient.class) {
                        contracts.add(type);
                    }
                }
            }
        }
        return contracts;
    }
}
