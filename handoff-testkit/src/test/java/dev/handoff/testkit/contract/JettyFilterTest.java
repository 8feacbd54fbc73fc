// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

class JettyFilterTest extends HandoffFilterContract {

    @Override
    protected ServletContainer container() {
        return new JettyContainer();
    }
}
