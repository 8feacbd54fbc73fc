// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.KeyValue;
import de.bwaldvogel.mongo.backend.ValueComparator;
import de.bwaldvogel.mongo.backend.memory.index.MemoryUniqueIndex;
import de.bwaldvogel.mongo.bson.Document;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Implements a unique index of two fields that also finds ranges of the second field. The superclass scans the whole collection for a
 * range, so its time grows with all documents ever written.
 *
 * <p>It only narrows the search. The collection still checks each document against the query.
 */
final class StandInIndex extends MemoryUniqueIndex {

    private final Map<Object, NavigableMap<Object, Integer>> positions = new TreeMap<>(ValueComparator.asc());
    private final String first;
    private final String second;

    StandInIndex(String name, List<IndexKey> keys) {
        super(name, keys, false);
        this.first = keys.get(0).getKey();
        this.second = keys.get(1).getKey();
    }

    @Override
    protected boolean putKeyPosition(KeyValue key, Integer position) {
        boolean put = super.putKeyPosition(key, position);
        if (put) {
            positions
                    .computeIfAbsent(key.get(0), k -> new TreeMap<>(ValueComparator.asc()))
                    .put(key.get(1), position);
        }
        return put;
    }

    @Override
    protected Integer removeDocument(KeyValue key) {
        NavigableMap<Object, Integer> group = positions.get(key.get(0));
        if (group != null) {
            group.remove(key.get(1));
            if (group.isEmpty()) {
                positions.remove(key.get(0));
            }
        }
        return super.removeDocument(key);
    }

    @Override
    public synchronized boolean canHandle(Document query) {
        return narrow(query).isPresent() || super.canHandle(query);
    }

    @Override
    public synchronized Iterable<Integer> getPositions(Document query) {
        Optional<Set<Integer>> narrowed = narrow(query);
        return narrowed.isPresent() ? narrowed.get() : super.getPositions(query);
    }

    /** Returns the candidate documents; empty if this index cannot be used. */
    private Optional<Set<Integer>> narrow(Document query) {
        Collection<?> clauses =
                query.size() == 1 && query.get("$or") instanceof Collection<?> any ? any : List.of(query);
        Set<Integer> found = new LinkedHashSet<>();
        for (Object clause : clauses) {
            Document conditions = new Document();
            if (!conjunction(clause, conditions) || !narrow(conditions, found)) {
                return Optional.empty();
            }
        }
        return Optional.of(found);
    }

    /** Collects the conditions that must all hold, by field. Returns false if a field has several conditions. */
    private static boolean conjunction(Object clause, Document conditions) {
        if (!(clause instanceof Document document)) {
            return false;
        }
        for (Map.Entry<String, Object> each : document.entrySet()) {
            boolean simple = each.getKey().equals("$and") && each.getValue() instanceof Collection<?> all
                    ? all.stream().allMatch(part -> conjunction(part, conditions))
                    : conditions.putIfAbsent(each.getKey(), each.getValue()) == null;
            if (!simple) {
                return false;
            }
        }
        return true;
    }

    private boolean narrow(Document conditions, Set<Integer> found) {
        Object group = conditions.get(first);
        Collection<?> groups = group instanceof String ? List.of(group) : in(group);
        Object range = conditions.getOrDefault(second, new Document());
        if (groups == null || !(range instanceof Document bounds)) {
            return false;
        }
        Object from = bounds.containsKey("$gte") ? bounds.get("$gte") : bounds.get("$gt");
        for (Object each : groups) {
            NavigableMap<Object, Integer> sorted = positions.get(each);
            if (sorted != null) {
                found.addAll((from == null ? sorted : sorted.tailMap(from, true)).values());
            }
        }
        return true;
    }

    private static @Nullable Collection<?> in(@Nullable Object value) {
        Object listed = value instanceof Document operators && operators.size() == 1 ? operators.get("$in") : null;
        return listed instanceof Collection<?> list && list.stream().allMatch(String.class::isInstance) ? list : null;
    }
}
