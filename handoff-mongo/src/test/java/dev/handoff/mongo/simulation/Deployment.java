// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.tail.TailPoller;
import dev.handoff.store.EventStore;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import java.time.Duration;

/** How the processes of a world are put together from the classes under test. */
interface Deployment {

    /** The parts of one process. */
    interface Parts {

        /** Returns the streams. */
        EventStore streams();

        /** Returns what follows the streams that have readers in the process. */
        TailPoller tail();

        /** Returns the queue. Its {@link TaskDispatcher#reportReaders} sweeps when that is due. */
        TaskDispatcher queue();

        /** Begins to claim tasks and to run them. */
        void startWorker(TaskHandler handler, int maxRunning);

        /** Claims no more tasks, waits for those that run, and gives the rest back. Blocks. */
        void stopWorker(Duration deadline);
    }

    /** Returns the parts of a process, which uses this database. */
    Parts start(SimulatedProcess process, Database database, WorldSettings settings);
}
