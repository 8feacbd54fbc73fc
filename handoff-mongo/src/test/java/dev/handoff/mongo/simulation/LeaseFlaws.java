// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.mongo.database.TaskRecord;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The faults that leases and claims once had. Each is put back by a database that behaves as the code did. */
final class LeaseFlaws {

    private LeaseFlaws() {}

    /** A sweeper takes a read that has failed for one that shows no change, so that an outage counts against workers. */
    static Flaw failedReadsCount() {
        return new Flaw() {
            @Override
            public Database apply(World world, SimulatedProcess process, Database database) {
                return new ForwardingDatabase(database) {
                    private Map<String, Long> known = Map.of();
                    private List<HeldTask> running = List.of();

                    @Override
                    public Map<String, Long> beats() {
                        try {
                            known = isAway() ? known : super.beats();
                        } catch (DatabaseException e) {
                            world.simulation().note("counts a failed read");
                        }
                        return known;
                    }

                    @Override
                    public List<HeldTask> runningExceptOf(Collection<String> owners, int limit) {
                        try {
                            running = isAway() ? running : super.runningExceptOf(Set.of(), limit);
                        } catch (DatabaseException e) {
                            world.simulation().note("counts a failed read");
                        }
                        return running.stream()
                                .filter(t -> !owners.contains(String.valueOf(t.owner())))
                                .toList();
                    }

                    @Override
                    public List<HeldTask> queuedLongerThan(Duration time, int limit) {
                        // Waiting for this would make the next reading late, which counts as a failed one.
                        return isAway() ? List.of() : super.queuedLongerThan(time, limit);
                    }

                    private boolean isAway() {
                        return world.cluster().isFrozen() || world.cluster().primary() == null;
                    }
                };
            }
        };
    }

    /** A lease is a time by the clock of the worker, and a sweeper compares it with its own clock. */
    static Flaw leasesAreTimes() {
        Map<World, Map<String, Long>> leases = new java.util.concurrent.ConcurrentHashMap<>();
        return new Flaw() {
            @Override
            public void configure(WorldSettings settings) {
                // The clocks alone do it.
                settings.faults = 0;
                settings.noisy = false;
            }

            @Override
            public Database apply(World world, SimulatedProcess process, Database database) {
                Map<String, Long> until = leases.computeIfAbsent(world, w -> new HashMap<>());
                return new ForwardingDatabase(database) {
                    @Override
                    public void beat(String worker) {
                        super.beat(worker);
                        until.put(
                                worker,
                                process.wallClock() + world.settings().lease.toMillis());
                    }

                    @Override
                    public List<HeldTask> runningExceptOf(Collection<String> owners, int limit) {
                        for (HeldTask task : super.runningExceptOf(Set.of(), limit)) {
                            Long lease = until.get(String.valueOf(task.owner()));
                            if (lease != null && lease < process.wallClock()) {
                                super.take(task, process.name() + Tasks.TAKEOVER);
                            }
                        }
                        return super.runningExceptOf(owners, limit);
                    }
                };
            }
        };
    }

    /** A primary that has lost the others still answers sweepers, and no worker can write its beat. */
    static Flaw beatsAreReadAnywhere() {
        return new Flaw() {
            @Override
            public void configure(WorldSettings settings) {
                settings.cluster.confirmsBeats = false;
                settings.calmStore = false;
            }

            @Override
            public void repair(WorldSettings settings) {
                settings.cluster.confirmsBeats = true;
            }
        };
    }

    /** A worker claims only in the quarter of a second after it began to look for cancellations, and not while it looks. */
    static Flaw claimsWaitForLooks() {
        return new Flaw() {
            @Override
            public void configure(WorldSettings settings) {
                settings.slowStore();
            }

            @Override
            public Database apply(World world, SimulatedProcess process, Database database) {
                return new ForwardingDatabase(database) {
                    private final Set<String> running = new HashSet<>();
                    private boolean looking;
                    private long lookedAt;

                    @Override
                    public List<HeldTask> runningOf(String owner, int limit) {
                        looking = true;
                        lookedAt = world.simulation().now();
                        try {
                            List<HeldTask> tasks = super.runningOf(owner, limit);
                            running.clear();
                            tasks.forEach(t -> running.add(t.id()));
                            return tasks;
                        } finally {
                            looking = false;
                        }
                    }

                    @Override
                    public Optional<TaskRecord> claim(Collection<String> types, String owner) {
                        boolean isLate = world.simulation().now() - lookedAt > 250_000_000L;
                        if (!running.isEmpty() && (looking || isLate)) {
                            return Optional.empty();
                        }
                        Optional<TaskRecord> claimed = super.claim(types, owner);
                        claimed.ifPresent(t -> running.add(t.id()));
                        return claimed;
                    }
                };
            }
        };
    }
}
