/** A Spring Boot application that runs as several processes, each with a role. */
@NullMarked
package dev.handoff.examples.spring.roles;

import org.jspecify.annotations.NullMarked;
