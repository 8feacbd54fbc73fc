// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

class UndertowRegistrationTest extends RegistrationContract {

    @Override
    protected ServletContainer container() {
        return new UndertowContainer();
    }
}
