package dev.handoff.servlet;

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
            .importPackages("dev.handoff.servlet");

    @Test
    @DisplayName("the classes are found, so that the other rules are about something")
    void classesAreFound() {
        assertThat(CLASSES.contain(HandoffFilter.class)).isTrue();
        assertThat(CLASSES.contain(ArchitectureTest.class)).isFalse();
    }

    @Test
    @DisplayName("the servlet module knows neither a database nor a container")
    void forbidden() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.handoff.mongo..",
                        "dev.handoff.testkit..",
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
    @DisplayName(
            "the servlet module needs the JDK, the core, the Servlet API, slf4j, Jackson and JSpecify, and nothing else")
    void allowed() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "java..",
                        "dev.handoff..",
                        "jakarta.servlet..",
                        "org.slf4j",
                        "com.fasterxml.jackson.core..",
                        "com.fasterxml.jackson.databind..",
                        "org.jspecify.annotations")
                .check(CLASSES);
    }

    @Test
    @DisplayName("the module is one flat package")
    void onePackage() {
        classes().should().resideInAPackage("dev.handoff.servlet").check(CLASSES);
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
