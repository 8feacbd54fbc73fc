package dev.handoff.testkit.contract;

class JettyFilterTest extends HandoffFilterContract {

    @Override
    protected ServletContainer container() {
        return new JettyContainer();
    }
}
