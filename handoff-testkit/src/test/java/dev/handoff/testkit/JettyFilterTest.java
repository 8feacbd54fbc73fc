package dev.handoff.testkit;

class JettyFilterTest extends HandoffFilterContract {

    @Override
    protected ServletContainer container() {
        return new JettyContainer();
    }
}
