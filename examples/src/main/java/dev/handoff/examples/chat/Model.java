// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;

/**
 * Holds a model as {@code GET /v1/models} lists it.
 *
 * @param id the name of the model in requests
 * @param created when the model was created
 * @param ownedBy the owner of the model
 */
record Model(String id, Instant created, String ownedBy) {

    ObjectNode toJson() {
        ObjectNode json = Json.object();
        json.put("id", id);
        json.put("object", "model");
        json.put("created", created.getEpochSecond());
        json.put("owned_by", ownedBy);
        return json;
    }
}
