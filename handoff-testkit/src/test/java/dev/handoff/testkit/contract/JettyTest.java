package dev.handoff.testkit.contract;

class JettyTest extends ServletContainerContract {

    @Override
    protected ServletContainer container() {
        return new JettyContainer();
    }
}
