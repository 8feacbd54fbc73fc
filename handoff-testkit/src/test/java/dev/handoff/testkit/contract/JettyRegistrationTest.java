// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

class JettyRegistrationTest extends RegistrationContract {

    @Override
    protected ServletContainer container() {
        return new JettyContainer();
    }
}
