/** A Spring Boot application that hands reports off, behind the login of Spring Security. */
@NullMarked
package dev.handoff.examples.spring.mvc;

import org.jspecify.annotations.NullMarked;
