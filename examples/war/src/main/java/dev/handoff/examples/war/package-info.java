/** A web application that is deployed as a WAR: a login, an authentication filter of its own, and one hand-off. */
@NullMarked
package dev.handoff.examples.war;

import org.jspecify.annotations.NullMarked;
