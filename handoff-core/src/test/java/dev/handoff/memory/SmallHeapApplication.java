// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.http.ProblemException;
import dev.handoff.store.EventStream;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Runs hundreds of tasks with default settings, each with a payload, events and a result of a megabyte. Most have a reader
 * that never closes what it has opened.
 */
final class SmallHeapApplication {

    private static final int TASKS = 400;
    private static final String MEGABYTE = "x".repeat(1 << 20);

    private SmallHeapApplication() {}

    public static void main(String[] args) throws InterruptedException {
        InMemoryEventStore store = InMemoryEventStore.create();
        ExecutorService threads = Executors.newFixedThreadPool(2);
        InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, threads)
                .handler("work", (task, output) -> {
                    for (int i = 0; i < 16; i++) {
                        output.emit(new String(MEGABYTE.substring(i << 16, (i + 1) << 16)));
                    }
                    output.onCancel(task::hashCode);
                    output.complete(MEGABYTE.concat("."));
                })
                .build();
        // More than the heap has room for.
        Deque<EventStream> readers = new ArrayDeque<>();
        Deque<EventStream.Watch> watches = new ArrayDeque<>();
        int refused = 0;
        for (int i = 0; i < TASKS; ) {
            Task task = Task.of("work", MEGABYTE.concat(Integer.toString(i))).requestedBy("alice", "key " + i);
            EventStream stream = store.open(task.id());
            try {
                dispatcher.dispatch(task);
                readers.add(stream);
                watches.add(stream.watch(() -> {}));
                i++;
            } catch (ProblemException overloaded) {
                refused++;
                Thread.onSpinWait();
            }
        }
        threads.shutdown();
        if (!threads.awaitTermination(50, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the tasks are not done");
        }
        int ended = 0;
        for (EventStream stream : readers) {
            ended += dispatcher.status(stream.id()).orElseThrow().state() == TaskStatus.State.COMPLETED ? 1 : 0;
        }
        System.out.println("done " + ended + ", refused " + refused + ", watched " + watches.size());
    }
}
