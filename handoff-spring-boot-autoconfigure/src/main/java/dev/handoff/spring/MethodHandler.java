// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.support.AopUtils;
import org.springframework.util.ReflectionUtils;

/**
 * Calls a bean method that has {@link HandoffHandler}. It gets the bean only when a task runs, for the same reason as {@link BeanHandler}.
 */
final class MethodHandler implements TaskHandler {

    private static final Set<Class<?>> PARAMETERS = Set.of(Task.class, TaskOutput.class, String.class);

    private final Method method;
    private final Supplier<Object> bean;

    private MethodHandler(Method method, Supplier<Object> bean) {
        this.method = method;
        this.bean = bean;
    }

    /**
     * Returns a handler that calls a method.
     *
     * @param origin the name of the method in messages
     * @throws RefusedConfigurationException if {@link HandoffHandler} does not allow the parameters or the return type of the method
     */
    static MethodHandler of(Method method, String origin, Supplier<Object> bean) {
        Set<Class<?>> known = new HashSet<>();
        for (Class<?> parameter : method.getParameterTypes()) {
            if (!PARAMETERS.contains(parameter) || !known.add(parameter)) {
                throw new RefusedConfigurationException(
                        "The method " + origin + " has @HandoffHandler and a parameter of the type "
                                + parameter.getName() + " that it cannot have.",
                        "Give the method at most one parameter of each of the types Task, TaskOutput and String, which"
                                + " receives the payload.");
            }
        }
        Class<?> returned = method.getReturnType();
        if (returned != void.class && returned != String.class && !CompletionStage.class.isAssignableFrom(returned)) {
            throw new RefusedConfigurationException(
                    "The method " + origin + " has @HandoffHandler and returns a " + returned.getName() + '.',
                    "Let the method return nothing, the result as a String, or a CompletionStage.");
        }
        return new MethodHandler(method, bean);
    }

    @Override
    public void handle(Task task, TaskOutput output) throws Exception {
        start(task, output).toCompletableFuture().get();
    }

    @Override
    public CompletionStage<Void> start(Task task, TaskOutput output) throws Exception {
        Object result = call(task, output);
        if (result instanceof CompletionStage<?> stage) {
            return stage.thenAccept(value -> complete(output, value));
        }
        if (result == null && CompletionStage.class.isAssignableFrom(method.getReturnType())) {
            throw new IllegalStateException(method + " returned null instead of a stage");
        }
        complete(output, result);
        return CompletableFuture.completedFuture(null);
    }

    private static void complete(TaskOutput output, @Nullable Object result) {
        if (result instanceof String text) {
            output.complete(text);
        }
    }

    private @Nullable Object call(Task task, TaskOutput output) throws Exception {
        Object target = bean.get();
        // A proxy of the bean may have the method only through an interface.
        Method invocable = AopUtils.selectInvocableMethod(method, target.getClass());
        ReflectionUtils.makeAccessible(invocable);
        Class<?>[] parameters = method.getParameterTypes();
        Object[] arguments = new Object[parameters.length];
        for (int i = 0; i < parameters.length; i++) {
            arguments[i] = parameters[i] == Task.class ? task : parameters[i] == String.class ? task.payload() : output;
        }
        try {
            return invocable.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e.getCause() instanceof Exception exception ? exception : e;
        }
    }
}
