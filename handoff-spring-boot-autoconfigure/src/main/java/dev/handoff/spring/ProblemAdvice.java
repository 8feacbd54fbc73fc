// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;

/** Answers problems that controllers throw, in the form of Spring's {@link ProblemDetail}. An advice of the application has precedence. */
@ControllerAdvice
@Order(Ordered.LOWEST_PRECEDENCE)
final class ProblemAdvice {

    private static final Logger logger = LoggerFactory.getLogger(ProblemAdvice.class);

    @ExceptionHandler
    ResponseEntity<ProblemDetail> answer(ProblemException e) {
        Problem problem = e.problem();
        if (problem.status() == 503) {
            // Without a stack trace, because a server that is busy must not fill its log.
            logger.info("a controller refused a request with {} {}: {}", 503, problem.code(), e.toString());
        } else if (problem.status() >= 500) {
            logger.error("a controller failed with {} {}", problem.status(), problem.code(), e);
        }
        HttpStatusCode status = HttpStatusCode.valueOf(problem.status());
        ProblemDetail detail = ProblemDetail.forStatusAndDetail(status, problem.detail());
        detail.setProperty("code", problem.code());
        HttpHeaders headers = new HttpHeaders();
        problem.toReply().headers().forEach(headers::addAll);
        headers.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
        return ResponseEntity.status(status).headers(headers).body(detail);
    }
}
