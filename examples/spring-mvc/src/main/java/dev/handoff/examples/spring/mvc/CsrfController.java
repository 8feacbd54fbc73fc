// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.spring.mvc;

import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Tells the page the CSRF token that its POST requests need. */
@RestController
class CsrfController {

    @GetMapping("/csrf")
    CsrfToken csrf(CsrfToken token) {
        return token;
    }
}
