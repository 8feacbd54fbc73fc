package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;

/**
 * A model as {@code GET /v1/models} lists it.
 *
 * @param id the name that requests ask for it by
 * @param created since when it is there
 * @param ownedBy whose it is
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
