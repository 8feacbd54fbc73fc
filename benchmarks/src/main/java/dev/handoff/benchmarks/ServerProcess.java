// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Measures another Java process by the operating system and {@code jcmd}. Works on Linux only.
 *
 * @param pid the id of the process
 */
record ServerProcess(long pid) {

    /** Returns the CPU time that the process has used so far, in nanoseconds; the system counts in hundredths of a second. */
    long cpuNanos() {
        return ProcessHandle.of(pid)
                .flatMap(p -> p.info().totalCpuDuration())
                .map(Duration::toNanos)
                .orElseThrow(() -> new IllegalStateException("there is no process " + pid));
    }

    /** Returns the memory that the process holds, in bytes. */
    long residentBytes() throws IOException {
        return statusBytes("VmRSS:");
    }

    /** Returns the most memory that the process has held, in bytes. */
    long peakResidentBytes() throws IOException {
        return statusBytes("VmHWM:");
    }

    private long statusBytes(String name) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid), "status"))) {
            if (line.startsWith(name)) {
                return Long.parseLong(line.replaceAll("\\D", "")) << 10;
            }
        }
        throw new IllegalStateException("process " + pid + " has no " + name);
    }

    /** Returns the bytes of the live objects of the process. Makes its JVM run a full collection. Blocks for at most a minute. */
    long liveHeapBytes() throws IOException, InterruptedException {
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        Process process = new ProcessBuilder(List.of(jcmd, Long.toString(pid), "GC.class_histogram"))
                .redirectErrorStream(true)
                .start();
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(1, TimeUnit.MINUTES) || process.exitValue() != 0) {
            throw new IllegalStateException("jcmd did not answer: " + answer);
        }
        String total = answer.substring(answer.lastIndexOf("Total")).strip();
        return Long.parseLong(total.split("\\s+")[2]);
    }
}
