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
 * What the operating system and the JVM say of a process, which need not know that it is watched. For Linux.
 *
 * @param pid the process
 */
record ServerProcess(long pid) {

    /** The CPU time it has used so far, in nanoseconds; the system counts in hundredths of a second. */
    long cpuNanos() {
        return ProcessHandle.of(pid)
                .flatMap(p -> p.info().totalCpuDuration())
                .map(Duration::toNanos)
                .orElseThrow(() -> new IllegalStateException("there is no process " + pid));
    }

    /** The memory that it holds, in bytes. */
    long residentBytes() throws IOException {
        return statusBytes("VmRSS:");
    }

    /** The most memory that it has held, in bytes. */
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

    /** The bytes of its live objects: asking for a histogram makes a full collection. */
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
