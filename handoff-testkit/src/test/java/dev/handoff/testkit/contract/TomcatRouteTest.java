// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

class TomcatRouteTest extends HandoffRouteContract {

    @Override
    protected ServletContainer container() {
        return new TomcatContainer();
    }
}
