// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

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
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.jaxrs.Responses;
import dev.handoff.micrometer.HandoffMetrics;
import dev.handoff.minibatch.PythonStreams;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.netty.NettyStreamingServer;
import dev.handoff.servlet.HandoffFilter;
import dev.handoff.spring.HandoffCustomizer;
import dev.handoff.spring.test.HandoffTest;
import java.util.List;
import java.util.Timer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The dependencies of the published modules, and rules for the code of all of them. */
class ArchitectureTest {

    /** The packages of handoff-core, from the top down. */
    private static final List<String> CORE_LAYERS = List.of(
            "dev.handoff",
            "dev.handoff.delivery",
            "dev.handoff.memory",
            "dev.handoff.execution",
            "dev.handoff.task",
            "dev.handoff.token",
            "dev.handoff.format",
            "dev.handoff.store",
            "dev.handoff.stream",
            "dev.handoff.http",
            "dev.handoff.observation",
            "dev.handoff.time",
            "dev.handoff.check");

    private static final LibraryModule CORE = LibraryModule.of(
            Handoff.class,
            "javax.crypto..",
            "com.fasterxml.jackson.core..",
            "com.fasterxml.jackson.databind..",
            "com.nimbusds..");
    private static final LibraryModule SERVLET = LibraryModule.of(
            HandoffFilter.class,
            "dev.handoff.servlet..",
            "jakarta.servlet..",
            "com.fasterxml.jackson.core..",
            "com.fasterxml.jackson.databind..");
    private static final LibraryModule JAXRS =
            LibraryModule.of(Responses.class, "dev.handoff.jaxrs..", "jakarta.ws.rs..");
    private static final LibraryModule NETTY =
            LibraryModule.of(NettyStreamingServer.class, "dev.handoff.netty..", "io.netty..");
    private static final LibraryModule MONGO =
            LibraryModule.of(MongoEventStore.class, "dev.handoff.mongo..", "com.mongodb..", "org.bson..");
    private static final LibraryModule MINIBATCH = LibraryModule.of(
            PythonStreams.class, "dev.handoff.minibatch..", "dev.handoff.mongo..", "com.mongodb..", "org.bson..");
    private static final LibraryModule SPRING = LibraryModule.of(
            HandoffCustomizer.class,
            "dev.handoff.spring",
            "dev.handoff.servlet",
            "dev.handoff.mongo..",
            "dev.handoff.micrometer",
            "org.springframework..",
            "jakarta.servlet..",
            "io.micrometer..",
            "com.mongodb..",
            "org.bson..");
    private static final LibraryModule SPRING_TEST = LibraryModule.of(
            HandoffTest.class,
            "dev.handoff.spring.test",
            "dev.handoff.spring",
            "dev.handoff.testkit",
            "org.springframework..");

    private static final LibraryModule MICROMETER =
            LibraryModule.of(HandoffMetrics.class, "dev.handoff.micrometer..", "io.micrometer..");

    /**
     * A module of the library.
     *
     * @param member one of its classes
     * @param needs the packages that it uses besides those of the JDK, handoff-core, slf4j and JSpecify
     */
    private record LibraryModule(Class<?> member, JavaClasses classes, List<String> needs) {

        static LibraryModule of(Class<?> member, String... needs) {
            String source =
                    member.getProtectionDomain().getCodeSource().getLocation().getPath();
            JavaClasses classes = new ClassFileImporter()
                    .withImportOption(location -> location.contains(source))
                    .importPackages("dev.handoff");
            return new LibraryModule(member, classes, List.of(needs));
        }

        @Override
        public String toString() {
            return "of " + member.getSimpleName();
        }
    }

    static List<LibraryModule> modules() {
        return List.of(CORE, SERVLET, JAXRS, NETTY, MONGO, MINIBATCH, MICROMETER, SPRING, SPRING_TEST);
    }

    @ParameterizedTest
    @MethodSource("modules")
    @DisplayName("the classes of the module, and no others, are found, so that the other rules can fail")
    void classesAreFound(LibraryModule module) {
        assertThat(module.classes().contain(module.member())).isTrue();
        assertThat(modules().stream().filter(other -> module.classes().contain(other.member())))
                .containsExactly(module);
        assertThat(module.classes().contain(ArchitectureTest.class)).isFalse();
    }

    @ParameterizedTest
    @MethodSource("modules")
    @DisplayName(
            "the module uses the JDK, handoff-core, slf4j, JSpecify and the packages that it names, and nothing else")
    void allowed(LibraryModule module) {
        Stream<String> all = Stream.of(
                        Stream.of("java..", "org.slf4j", "org.jspecify.annotations"),
                        CORE_LAYERS.stream(),
                        module.needs().stream())
                .flatMap(packages -> packages);
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(all.toArray(String[]::new))
                .check(module.classes());
    }

    @ParameterizedTest
    @MethodSource("modules")
    @DisplayName("no method is synchronized: a caller that waits for I/O would pin a virtual thread or lock others out")
    void noSynchronized(LibraryModule module) {
        methods().should().notHaveModifier(JavaModifier.SYNCHRONIZED).check(module.classes());
    }

    @ParameterizedTest
    @MethodSource("modules")
    @DisplayName("no class has a name that says nothing")
    void names(LibraryModule module) {
        noClasses()
                .should()
                .haveNameMatching(".*[.$](Default\\w*|\\w*(Manager|Utils?|Utilities|Impl|Helpers?))")
                .check(module.classes());
    }

    @ParameterizedTest
    @MethodSource("modules")
    @DisplayName(
            "the module runs nothing on threads that the application did not give it, except on those of WorkerThreads, StopThreads, OwnTimer and HandoffThreads")
    void noThreads(LibraryModule module) {
        noClasses()
                .that()
                .haveNameNotMatching(
                        "dev\\.handoff\\.(mongo\\.task\\.(WorkerThreads|StopThreads)|servlet\\.OwnTimer|spring\\.HandoffThreads)(\\$.*)?")
                .should()
                .callConstructorWhere(target(owner(assignableTo(Thread.class)))
                        .or(target(owner(assignableTo(ThreadPoolExecutor.class)))))
                .check(module.classes());
        noClasses()
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(Executors.class, ForkJoinPool.class, Timer.class)
                .check(module.classes());
        noClasses()
                .should()
                .callMethodWhere(
                        target(owner(assignableTo(CompletableFuture.class))).and(target(nameMatching(".*Async"))))
                .check(module.classes());
    }

    @Test
    @DisplayName("handoff-core, handoff-servlet and handoff-jaxrs do not use the class ThreadPoolExecutor")
    void noThreadPools() {
        for (LibraryModule module : List.of(CORE, SERVLET, JAXRS)) {
            noClasses()
                    .should()
                    .dependOnClassesThat()
                    .belongToAnyOf(ThreadPoolExecutor.class)
                    .check(module.classes());
        }
    }

    @Test
    @DisplayName("each package of handoff-core uses only the packages below it")
    void coreLayers() {
        for (int i = 1; i < CORE_LAYERS.size(); i++) {
            noClasses()
                    .that()
                    .resideInAPackage(CORE_LAYERS.get(i))
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(CORE_LAYERS.subList(0, i).toArray(String[]::new))
                    .check(CORE.classes());
        }
    }

    @Test
    @DisplayName("each class of handoff-core is in one of its packages")
    void corePackages() {
        classes()
                .should()
                .resideInAnyPackage(CORE_LAYERS.toArray(String[]::new))
                .check(CORE.classes());
    }

    @ParameterizedTest
    @MethodSource("modules")
    @DisplayName("the module takes the codes of problems from ProblemCode, except where it copies a stored problem")
    void problemCodes(LibraryModule module) {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.handoff.http")
                .and()
                .doNotHaveFullyQualifiedName("dev.handoff.mongo.database.EventDocumentCodec")
                .and()
                .doNotHaveFullyQualifiedName("dev.handoff.mongo.stream.MongoEventAppender")
                .should()
                .callConstructor(Problem.class, int.class, String.class, String.class)
                .orShould()
                .callConstructor(ProblemException.class, int.class, String.class, String.class)
                .check(module.classes());
    }

    @Test
    @DisplayName("handoff-netty is one flat package with one public type")
    void nettyPackage() {
        classes().should().resideInAPackage("dev.handoff.netty").check(NETTY.classes());
        classes()
                .that()
                .arePublic()
                .and()
                .areTopLevelClasses()
                .should()
                .be(NettyStreamingServer.class)
                .check(NETTY.classes());
    }

    @Test
    @DisplayName("handoff-servlet is one flat package")
    void servletPackage() {
        classes().should().resideInAPackage("dev.handoff.servlet").check(SERVLET.classes());
    }

    @Test
    @DisplayName("of handoff-core, handoff-mongo uses what a back end needs: nothing of tokens, delivery and requests")
    void mongoUsesNoRequests() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveNameMatching(
                        "dev\\.handoff\\.([A-Z].*|token\\..*|delivery\\..*|memory\\..*|format\\..*|http\\.(HandoffRequest|Reply|Prefer|IdempotencyKey))")
                .check(MONGO.classes());
    }

    @Test
    @DisplayName("handoff-micrometer is one flat package, and uses nothing of execution and back ends")
    void micrometerPackage() {
        classes().should().resideInAPackage("dev.handoff.micrometer").check(MICROMETER.classes());
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.handoff.execution..", "dev.handoff.memory..", "dev.handoff.store..")
                .check(MICROMETER.classes());
    }

    @Test
    @DisplayName("handoff-mongo does not use the HTTP client of the JDK")
    void mongoUsesNoHttp() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAPackage("java.net.http..")
                .check(MONGO.classes());
    }

    @Test
    @DisplayName(
            "packages of handoff-mongo are layers: tasks use streams, streams use tails, and these use the database")
    void mongoLayers() {
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
                .check(MONGO.classes());
    }
}
