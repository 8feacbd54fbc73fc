// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

class UndertowRouteTest extends HandoffRouteContract {

    @Override
    protected ServletContainer container() {
        return new UndertowContainer();
    }
}
