// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.observation.GuardedObserver;
import dev.handoff.observation.HandoffObserver;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Passes each call to several observers. If one of them throws, the others are still called. */
final class Observers implements InvocationHandler {

    private final List<HandoffObserver> observers;

    private Observers(List<HandoffObserver> observers) {
        this.observers = observers;
    }

    /** Returns an observer that passes each call to all of these. */
    static HandoffObserver all(Stream<HandoffObserver> observers) {
        List<HandoffObserver> guarded = observers.map(GuardedObserver::of).toList();
        if (guarded.size() == 1) {
            return guarded.get(0);
        }
        return (HandoffObserver) Proxy.newProxyInstance(
                Observers.class.getClassLoader(), new Class<?>[] {HandoffObserver.class}, new Observers(guarded));
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments) throws Throwable {
        if (method.getDeclaringClass() == Object.class) {
            return switch (method.getName()) {
                case "equals" -> arguments != null && proxy == arguments[0];
                case "hashCode" -> System.identityHashCode(proxy);
                default -> "Observers" + observers;
            };
        }
        try {
            for (HandoffObserver observer : observers) {
                method.invoke(observer, arguments);
            }
            return null;
        } catch (InvocationTargetException e) {
            throw e.getTargetException();
        }
    }
}
