// SPDX-License-Identifier: Apache-2.0
/** The test slice for applications of Spring Boot: {@link dev.handoff.spring.test.HandoffTest}. */
@NullMarked
package dev.handoff.spring.test;

import org.jspecify.annotations.NullMarked;
