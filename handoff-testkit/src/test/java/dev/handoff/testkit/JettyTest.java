package dev.handoff.testkit;

class JettyTest extends ServletContainerContract {

    @Override
    protected ServletContainer container() {
        return new JettyContainer();
    }
}
