// SPDX-License-Identifier: Apache-2.0
/**
 * The auto-configuration of handoff for Spring Boot 3.5 and 4. An application declares handlers as beans and sets properties that begin
 * with {@code handoff.}; everything else has a default. {@link dev.handoff.spring.HandoffAutoConfiguration} lists the beans that an
 * application can replace.
 */
@NullMarked
package dev.handoff.spring;

import org.jspecify.annotations.NullMarked;
