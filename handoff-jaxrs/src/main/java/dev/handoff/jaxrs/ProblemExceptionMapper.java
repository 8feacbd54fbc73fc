// SPDX-License-Identifier: Apache-2.0
package dev.handoff.jaxrs;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.ext.ExceptionMapper;
import jakarta.ws.rs.ext.Provider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers a {@link ProblemException} with its problem details (RFC 9457). Register it with the application. It logs problems whose status
 * is 500 or higher, with their cause. For the status 503 it logs only one line.
 */
@Provider
public final class ProblemExceptionMapper implements ExceptionMapper<ProblemException> {

    private static final Logger logger = LoggerFactory.getLogger(ProblemExceptionMapper.class);

    @Override
    public Response toResponse(ProblemException exception) {
        Problem problem = exception.problem();
        if (problem.status() == 503) {
            // Without a stack trace, because a server that is busy must not fill its log.
            logger.info("a request was refused with status 503, code {}: {}", problem.code(), problem.detail());
        } else if (problem.status() >= 500) {
            logger.error(
                    "a request was refused with status {}, code {}: {}",
                    problem.status(),
                    problem.code(),
                    problem.detail(),
                    exception.getCause());
        }
        return Responses.of(problem.toReply());
    }
}
