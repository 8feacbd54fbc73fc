package dev.handoff;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Timer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ThreadPoolExecutor;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ArchitectureTest {

    /** From the top down. */
    private static final List<String> LAYERS = List.of(
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

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.handoff");

    @Test
    @DisplayName("the classes are found, so that the other rules are about something")
    void classesAreFound() {
        assertThat(CLASSES.contain(Handoff.class)).isTrue();
        assertThat(CLASSES.contain(ArchitectureTest.class)).isFalse();
    }

    @Test
    @DisplayName("the core knows neither servlets nor a database nor a container")
    void forbidden() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "jakarta..",
                        "javax.servlet..",
                        "com.mongodb..",
                        "org.bson..",
                        "org.eclipse.jetty..",
                        "org.apache..",
                        "io.undertow..",
                        "org.springframework..")
                .check(CLASSES);
    }

    @Test
    @DisplayName("the core needs the JDK, slf4j, Jackson, Nimbus and JSpecify, and nothing else")
    void allowed() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "java..",
                        "javax.crypto..",
                        "dev.handoff..",
                        "org.slf4j",
                        "com.fasterxml.jackson.core..",
                        "com.fasterxml.jackson.databind..",
                        "com.nimbusds..",
                        "org.jspecify.annotations")
                .check(CLASSES);
    }

    @Test
    @DisplayName("each package uses only the packages below it")
    void layers() {
        for (int i = 0; i < LAYERS.size(); i++) {
            String[] above = LAYERS.subList(0, i).toArray(String[]::new);
            if (i > 0) {
                noClasses()
                        .that()
                        .resideInAPackage(LAYERS.get(i))
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage(above)
                        .check(CLASSES);
            }
        }
    }

    @Test
    @DisplayName("each class is in one of the packages")
    void packages() {
        classes().should().resideInAnyPackage(LAYERS.toArray(String[]::new)).check(CLASSES);
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
    @DisplayName("no thread is made or borrowed behind the back of the application")
    void noThreads() {
        noClasses()
                .should()
                .callConstructorWhere(target(owner(assignableTo(Thread.class))))
                .check(CLASSES);
        noClasses()
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(Executors.class, ThreadPoolExecutor.class, ForkJoinPool.class, Timer.class)
                .check(CLASSES);
        noClasses()
                .should()
                .callMethodWhere(
                        target(owner(assignableTo(CompletableFuture.class))).and(target(nameMatching(".*Async"))))
                .check(CLASSES);
    }
}
