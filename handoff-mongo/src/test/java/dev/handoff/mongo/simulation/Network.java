// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.util.HashSet;
import java.util.Set;

/** Which servers reach each other, and which servers a process reaches. */
final class Network {

    private final int members;
    private final boolean[][] cut;
    private final Set<String> cutProcesses = new HashSet<>();

    Network(int members) {
        this.members = members;
        this.cut = new boolean[members][members];
    }

    /** Cuts or restores the connection between a process and a server. */
    void cut(SimulatedProcess process, int replica, boolean isCut) {
        String link = process.name() + '/' + replica;
        if (isCut) {
            cutProcesses.add(link);
        } else {
            cutProcesses.remove(link);
        }
    }

    boolean isCut(SimulatedProcess process, Replica replica) {
        return cutProcesses.contains(process.name() + '/' + replica.number());
    }

    /** Cuts or restores the connection between two servers. */
    void cut(int one, int other, boolean isCut) {
        cut[one][other] = isCut;
        cut[other][one] = isCut;
    }

    boolean isCut(Replica one, Replica other) {
        return cut[one.number()][other.number()];
    }

    /** Cuts or restores the connections of one server to the others. */
    void isolate(int replica, boolean isCut) {
        for (int i = 0; i < members; i++) {
            if (i != replica) {
                cut(replica, i, isCut);
            }
        }
    }

    /** Restores all connections. */
    void heal() {
        cutProcesses.clear();
        for (int i = 0; i < members; i++) {
            isolate(i, false);
        }
    }
}
