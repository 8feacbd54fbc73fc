package dev.handoff.mongo;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.handoff.mongo.stream.MongoEventStore;
import java.util.Timer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ThreadPoolExecutor;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ArchitectureTest {

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.handoff.mongo");

    @Test
    @DisplayName("the classes are found, so that the other rules are about something")
    void classesAreFound() {
        assertThat(CLASSES.contain(MongoEventStore.class)).isTrue();
        assertThat(CLASSES.contain(ArchitectureTest.class)).isFalse();
    }

    @Test
    @DisplayName("the Mongo module knows neither servlets nor HTTP nor a container")
    void forbidden() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.handoff.servlet..",
                        "dev.handoff.testkit..",
                        "dev.handoff.examples..",
                        "jakarta..",
                        "javax.servlet..",
                        "java.net.http..",
                        "com.sun.net.httpserver..",
                        "org.eclipse.jetty..",
                        "org.apache..",
                        "io.undertow..",
                        "org.springframework..")
                .check(CLASSES);
    }

    @Test
    @DisplayName("the module needs the JDK, the core, the driver, slf4j and JSpecify, and nothing else")
    void allowed() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "java..",
                        "dev.handoff..",
                        "com.mongodb..",
                        "org.bson..",
                        "org.slf4j",
                        "org.jspecify.annotations")
                .check(CLASSES);
    }

    @Test
    @DisplayName("of the core, only what a back end needs is used: nothing of HTTP or tokens, and no frames")
    void noHttp() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveNameMatching(
                        "dev\\.handoff\\.([A-Z].*|token\\..*|delivery\\..*|memory\\..*|http\\.(HandoffRequest|Reply|Prefer|IdempotencyKey))")
                .check(CLASSES);
    }

    @Test
    @DisplayName("packages are layers: tasks use streams, streams use tails, and these use the database")
    void layers() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("indexes")
                .definedBy("dev.handoff.mongo")
                .layer("task")
                .definedBy("dev.handoff.mongo.task")
                .layer("stream")
                .definedBy("dev.handoff.mongo.stream")
                .layer("tail")
                .definedBy("dev.handoff.mongo.tail")
                .layer("database")
                .definedBy("dev.handoff.mongo.database")
                .whereLayer("task")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("stream")
                .mayOnlyBeAccessedByLayers("task")
                .whereLayer("tail")
                .mayOnlyBeAccessedByLayers("stream")
                .check(CLASSES);
    }

    @Test
    @DisplayName("no method is synchronized: it would pin a virtual thread, and let others lock us out")
    void noSynchronized() {
        methods().should().notHaveModifier(JavaModifier.SYNCHRONIZED).check(CLASSES);
    }

    @Test
    @DisplayName("no class has a name that says nothing")
    void names() {
        noClasses()
                .should()
                .haveNameMatching(".*[.$](Default\\w*|\\w*(Manager|Utils?|Utilities|Impl|Helpers?))")
                .check(CLASSES);
    }

    @Test
    @DisplayName("no thread is made or borrowed without the application, but those of a worker that it starts")
    void noThreads() {
        noClasses()
                .that()
                .doNotHaveFullyQualifiedName("dev.handoff.mongo.task.WorkerThreads")
                .should()
                .callConstructorWhere(target(owner(assignableTo(Thread.class)))
                        .or(target(owner(assignableTo(ThreadPoolExecutor.class)))))
                .check(CLASSES);
        noClasses()
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(Executors.class, ForkJoinPool.class, Timer.class)
                .check(CLASSES);
        noClasses()
                .should()
                .callMethodWhere(
                        target(owner(assignableTo(CompletableFuture.class))).and(target(nameMatching(".*Async"))))
                .check(CLASSES);
    }
}
