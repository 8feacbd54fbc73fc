// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
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

    @ExceptionHandler
    ResponseEntity<ProblemDetail> answer(ProblemException e) {
        Problem problem = e.problem();
        HttpStatusCode status = HttpStatusCode.valueOf(problem.status());
        ProblemDetail detail = ProblemDetail.forStatusAndDetail(status, problem.detail());
        detail.setProperty("code", problem.code());
        HttpHeaders headers = new HttpHeaders();
        problem.toReply().headers().forEach(headers::addAll);
        headers.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
        return ResponseEntity.status(status).headers(headers).body(detail);
    }
}
