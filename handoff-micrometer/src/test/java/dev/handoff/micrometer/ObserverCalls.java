// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.observation.HandoffObserver;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Calls methods of an observer, all that there are, with each value of their enums. */
final class ObserverCalls {

    static final Duration TIME = Duration.ofMillis(1500);
    static final int NUMBER = 3;
    static final String TEXT = "a";

    private ObserverCalls() {}

    /** Returns the methods of an observer. */
    static List<Method> methods() {
        return Arrays.stream(HandoffObserver.class.getDeclaredMethods())
                .filter(method -> !Modifier.isStatic(method.getModifiers()) && !method.isSynthetic())
                .sorted(Comparator.comparing(Method::getName))
                .toList();
    }

    /** Calls each method once for each value of its enum, or once if it has none. */
    static void callAll(HandoffObserver observer) {
        methods().forEach(method -> call(observer, method));
    }

    /** Calls a method once for each value of its enum, or once if it has none. */
    static void call(HandoffObserver observer, Method method) {
        for (Object[] arguments : argumentLists(method)) {
            try {
                method.invoke(observer, arguments);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(method + " failed", e);
            }
        }
    }

    private static List<Object[]> argumentLists(Method method) {
        List<Object[]> lists = new ArrayList<>();
        lists.add(new Object[method.getParameterCount()]);
        for (int i = 0; i < method.getParameterCount(); i++) {
            List<Object[]> longer = new ArrayList<>();
            for (Object[] list : lists) {
                for (Object value : values(method.getParameterTypes()[i])) {
                    Object[] copy = list.clone();
                    copy[i] = value;
                    longer.add(copy);
                }
            }
            lists = longer;
        }
        return lists;
    }

    private static List<Object> values(Class<?> type) {
        if (type.isEnum()) {
            return List.of(type.getEnumConstants());
        }
        if (type == Duration.class) {
            return List.of(TIME);
        }
        if (type == String.class) {
            return List.of(TEXT);
        }
        return type == int.class ? List.of(NUMBER) : List.of((long) NUMBER);
    }
}
