// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.TailFetch;
import dev.handoff.mongo.database.TaskRecord;
import dev.handoff.task.TaskStatus.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The faults that streams and the dispatch of tasks once had. Each is put back by a database that behaves as the code did. */
final class Flaws {

    private Flaws() {}

    /** Documents expire by the clock of the process that writes them. */
    static Flaw retentionByLocalClocks() {
        return new Flaw() {
            @Override
            public void configure(WorldSettings settings) {
                settings.cluster.localTimes = true;
                settings.cluster.ttl = true;
            }

            @Override
            public void repair(WorldSettings settings) {
                settings.cluster.localTimes = false;
            }
        };
    }

    /** Reads show what only the primary has. */
    static Flaw localReads() {
        return new Flaw() {
            @Override
            public void configure(WorldSettings settings) {
                settings.cluster.majorityReads = false;
            }

            @Override
            public void repair(WorldSettings settings) {
                settings.cluster.majorityReads = true;
            }
        };
    }

    /** The poller never learns that a position is missing, and waits for it for ever. */
    static Flaw gapsAreNotSeen() {
        return new Flaw() {
            @Override
            public void configure(WorldSettings settings) {
                settings.cluster.majorityWrites = false;
                settings.cluster.majorityReads = false;
                settings.calmStore = false;
            }

            @Override
            public Database apply(World world, SimulatedProcess process, Database database) {
                return new ForwardingDatabase(database) {
                    @Override
                    public TailFetch tails(Map<String, Long> from, long maxBytes) {
                        TailFetch fetch = super.tails(from, maxBytes);
                        Map<String, Long> next = new HashMap<>(from);
                        List<EventBatch> dense = new ArrayList<>();
                        for (EventBatch batch : fetch.batches()) {
                            if (batch.seq() == next.getOrDefault(batch.stream(), -1L)) {
                                next.put(batch.stream(), batch.next());
                                dense.add(batch);
                            }
                        }
                        return new TailFetch(dense, fetch.cut(), fetch.unreadable());
                    }
                };
            }
        };
    }

    /** A task is forgotten before its events, and nobody looks whether a stream has entries before its first writer. */
    static Flaw tasksAreForgottenFirst() {
        return new Flaw() {
            @Override
            public void configure(WorldSettings settings) {
                settings.reusesKeys = true;
                settings.faults = 0;
                settings.noisy = false;
                settings.cluster.ttl = true;
                settings.cluster.majorityWrites = true;
                settings.cluster.eventRetention = settings.lease.multipliedBy(10);
                settings.cluster.taskRetention = settings.lease;
                settings.cluster.tasksOutlive = Duration.ZERO;
            }

            @Override
            public void repair(WorldSettings settings) {
                settings.cluster.taskRetention = settings.cluster.eventRetention;
                settings.cluster.tasksOutlive = settings.lease.multipliedBy(2);
            }

            @Override
            public Database apply(World world, SimulatedProcess process, Database database) {
                return new ForwardingDatabase(database) {
                    @Override
                    public Optional<EventBatch> last(String stream) {
                        Documents.TaskDocument task = world.checker().truth().task(stream);
                        boolean isFirstRun = task == null
                                || (task.isIn(State.RUNNING) && task.task().epoch() == 1 && !hasEventsOf(task));
                        return isFirstRun ? Optional.empty() : super.last(stream);
                    }

                    private boolean hasEventsOf(Documents.TaskDocument task) {
                        return world.checker().truth().stream(task.task().id()).values().stream()
                                .flatMap(d -> d.batch().events().stream())
                                .anyMatch(e -> e.data().startsWith(task.task().payload() + '/'));
                    }
                };
            }
        };
    }

    /** An insert of a task that is not answered is reported as a failure, and so is a failure after it. */
    static Flaw unansweredDispatchFails() {
        return new Flaw() {
            @Override
            public void configure(WorldSettings settings) {
                settings.noisy = true;
            }

            @Override
            public Database apply(World world, SimulatedProcess process, Database database) {
                return new ForwardingDatabase(database) {
                    @Override
                    public InsertOutcome insertTask(TaskRecord task) {
                        try {
                            return super.insertTask(task);
                        } catch (DatabaseException e) {
                            throw DatabaseException.refused(e.getMessage(), e);
                        }
                    }
                };
            }
        };
    }

    /** A fence whose insert is not answered counts as not written, though it may be there. */
    static Flaw unansweredFenceFails() {
        return new Flaw() {
            @Override
            public void configure(WorldSettings settings) {
                settings.noisy = true;
                settings.writers = 3;
                settings.faults = 5;
                settings.calmStore = true;
            }

            @Override
            public Database apply(World world, SimulatedProcess process, Database database) {
                return new ForwardingDatabase(database) {
                    @Override
                    public List<InsertOutcome> insert(List<EventBatch> batches) {
                        try {
                            return super.insert(batches);
                        } catch (DatabaseException e) {
                            if (batches.get(0).fence()) {
                                throw DatabaseException.refused(e.getMessage(), e);
                            }
                            throw e;
                        }
                    }
                };
            }
        };
    }

    /** An error of one document that says "not now" is taken for a final one. */
    static Flaw documentErrorsAreFinal() {
        return new Flaw() {
            @Override
            public Database apply(World world, SimulatedProcess process, Database database) {
                return new ForwardingDatabase(database) {
                    @Override
                    public List<InsertOutcome> insert(List<EventBatch> batches) {
                        return super.insert(batches).stream()
                                .map(o -> o.kind() == InsertOutcome.Kind.UNKNOWN
                                        ? new InsertOutcome(InsertOutcome.Kind.REFUSED, o.detail())
                                        : o)
                                .toList();
                    }
                };
            }
        };
    }

    /** A duplicate whose holder no majority has yet is taken for the batch of another writer. */
    static Flaw invisibleDuplicatesFence() {
        return new Flaw() {
            @Override
            public Database apply(World world, SimulatedProcess process, Database database) {
                return new ForwardingDatabase(database) {
                    @Override
                    public Map<dev.handoff.mongo.database.Position, org.bson.types.ObjectId> holders(
                            Collection<dev.handoff.mongo.database.Position> positions) {
                        Map<dev.handoff.mongo.database.Position, org.bson.types.ObjectId> holders =
                                new HashMap<>(super.holders(positions));
                        positions.forEach(p -> holders.putIfAbsent(p, new org.bson.types.ObjectId()));
                        return holders;
                    }
                };
            }
        };
    }
}
