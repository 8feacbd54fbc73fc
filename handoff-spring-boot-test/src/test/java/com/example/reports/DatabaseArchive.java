// SPDX-License-Identifier: Apache-2.0
package com.example.reports;

import java.util.List;
import org.springframework.stereotype.Component;

/** Needs a database, which a test of the slice does not have. */
@Component
class DatabaseArchive implements Archive {

    DatabaseArchive() {
        throw new IllegalStateException("there is no database");
    }

    @Override
    public List<String> pages(String topic) {
        return List.of();
    }
}
