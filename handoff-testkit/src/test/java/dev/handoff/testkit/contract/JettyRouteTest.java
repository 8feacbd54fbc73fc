// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

class JettyRouteTest extends HandoffRouteContract {

    @Override
    protected ServletContainer container() {
        return new JettyContainer();
    }
}
