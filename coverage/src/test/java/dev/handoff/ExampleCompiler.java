// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/** Compiles the examples of the documentation. */
final class ExampleCompiler {

    private ExampleCompiler() {}

    /**
     * Compiles sources with the class path of the tests.
     *
     * @param folder gets the classes
     * @return the messages of the compiler; empty if there is no error
     */
    static String errorsOf(List<Path> sources, Path folder) throws IOException {
        // Surefire can pass the class path in another property, because it starts the JVM with a jar that only refers
        // to it.
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter errors = new StringWriter();
        boolean compiled = compiler.getTask(
                        errors,
                        null,
                        null,
                        List.of("-proc:none", "-Xlint:none", "-d", folder.toString(), "-classpath", classPath),
                        null,
                        compiler.getStandardFileManager(null, null, null).getJavaFileObjectsFromPaths(sources))
                .call();
        return compiled ? "" : errors.toString();
    }
}
