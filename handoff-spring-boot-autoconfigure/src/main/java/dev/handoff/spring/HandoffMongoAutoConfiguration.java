// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoDatabase;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.task.MongoTaskQueue;
import dev.handoff.mongo.task.MongoWorker;
import dev.handoff.spring.HandoffProperties.Role;
import dev.handoff.store.EventStore;
import dev.handoff.task.TaskDispatcher;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.core.env.Environment;

/** Keeps tasks and streams in MongoDB and runs a worker, if handoff-mongo is on the class path and the application names a MongoDB. */
@AutoConfiguration(
        before = HandoffAutoConfiguration.class,
        afterName = {
            "org.springframework.boot.autoconfigure.mongo.MongoAutoConfiguration",
            "org.springframework.boot.mongodb.autoconfigure.MongoAutoConfiguration"
        })
@ConditionalOnProperty(prefix = "handoff", name = "enabled", matchIfMissing = true)
@ConditionalOnClass({MongoClient.class, MongoEventStore.class})
@ConditionalOnMissingBean({EventStore.class, TaskDispatcher.class})
@Conditional(OnMongo.class)
@EnableConfigurationProperties(HandoffProperties.class)
class HandoffMongoAutoConfiguration {

    /** One thread writes, two threads poll, and one thread retries. */
    private static final int STORE_THREADS = 4;

    /** Creates a client if no other bean is one, because Spring Boot's module for MongoDB is not on the class path. */
    @Bean(destroyMethod = "close")
    @ConditionalOnMissingBean
    MongoClient handoffMongoClient(Environment environment) {
        String uri = MongoAddress.uri(environment);
        if (uri == null) {
            throw new RefusedConfigurationException(
                    "The property handoff.store is mongo, but nothing names a MongoDB.",
                    "Set spring.data.mongodb.uri (Spring Boot 3) or spring.mongodb.uri (Spring Boot 4), or declare a"
                            + " MongoClient bean.");
        }
        return MongoClients.create(uri);
    }

    @Bean
    HandoffDatabase handoffDatabase(
            MongoClient client, HandoffThreads threads, HandoffProperties properties, Environment environment) {
        return new HandoffDatabase(client.getDatabase(MongoAddress.database(properties, environment)), threads);
    }

    @Bean
    MongoEventStore handoffEventStore(
            HandoffDatabase database,
            HandoffThreads threads,
            HandoffProperties properties,
            ObserverOfAll observer,
            ObjectProvider<HandoffCustomizer<MongoEventStore.Builder>> customizers) {
        MongoEventStore.Builder builder = MongoEventStore.builder(
                        database.database(), threads.timer("handoff-store-", STORE_THREADS))
                .hintExecutor(threads.jobs("handoff-hints-"))
                .observer(observer.observer());
        Settings.set(properties.retention(), builder::retention);
        Settings.customize(builder, customizers);
        return builder.build();
    }

    @Bean
    MongoTaskQueue handoffTaskQueue(
            HandoffDatabase database,
            MongoEventStore store,
            HandoffThreads threads,
            TaskHandlers handlers,
            HandoffProperties properties,
            ObserverOfAll observer,
            ObjectProvider<HandoffCustomizer<MongoTaskQueue.Builder>> customizers) {
        MongoTaskQueue.Builder builder = MongoTaskQueue.builder(
                        database.database(), store, threads.jobs("handoff-queue-"), handlers.types(properties.routes()))
                .lease(properties.mongo().lease())
                .observer(observer.observer());
        Settings.set(properties.cancelUnattendedAfter(), builder::cancelUnattendedAfter);
        Settings.customize(builder, customizers);
        return builder.build();
    }

    @Bean
    MongoTasks handoffMongoTasks(
            HandoffDatabase database,
            MongoEventStore store,
            MongoTaskQueue queue,
            HandoffThreads threads,
            TaskHandlers handlers,
            HandoffProperties properties,
            ObjectProvider<HandoffCustomizer<MongoWorker.Builder>> customizers) {
        return new MongoTasks(
                database.database(),
                store,
                workers(queue, threads, handlers, properties, customizers),
                threads,
                properties.mongo().createIndexes(),
                properties.has(Role.STREAM),
                properties.has(Role.APP) || properties.has(Role.WORKER));
    }

    private static @Nullable Supplier<MongoWorker> workers(
            MongoTaskQueue queue,
            HandoffThreads threads,
            TaskHandlers handlers,
            HandoffProperties properties,
            ObjectProvider<HandoffCustomizer<MongoWorker.Builder>> customizers) {
        if (!properties.has(Role.WORKER) || handlers.types().isEmpty()) {
            return null;
        }
        Executor executor = threads.jobs("handoff-worker-");
        return () -> {
            MongoWorker.Builder builder = MongoWorker.builder(queue, executor)
                    .maxRunning(properties.worker().maxRunning())
                    .closeWithin(properties.finishWithin());
            handlers.forEach(builder::handler);
            Settings.customize(builder, customizers);
            return builder.build();
        };
    }

    /**
     * Holds the database. The {@link MongoDatabase} itself is no bean, because the application may have a bean of this type for another
     * database.
     *
     * @param database the database with tasks and streams
     * @param threads the threads that use the database
     */
    record HandoffDatabase(MongoDatabase database, HandoffThreads threads) implements AutoCloseable {

        /** Stops the threads. Spring calls this before it closes the client, which they use. */
        @Override
        public void close() {
            threads.close();
        }
    }
}
