// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.Database;

/** What a test takes out of the code under test, to see that the simulation finds it. */
interface Flaw {

    /** Takes out nothing. */
    Flaw NONE = new Flaw() {};

    /** Changes the settings that the seed has chosen. */
    default void configure(WorldSettings settings) {}

    /** Takes back what {@link #configure} has broken, but leaves what it has chosen. */
    default void repair(WorldSettings settings) {}

    /** Returns the same settings without the fault. */
    default Flaw repaired() {
        Flaw broken = this;
        return new Flaw() {
            @Override
            public void configure(WorldSettings settings) {
                broken.configure(settings);
                broken.repair(settings);
            }
        };
    }

    /** Returns the database that a process sees instead. */
    default Database apply(World world, SimulatedProcess process, Database database) {
        return database;
    }
}
