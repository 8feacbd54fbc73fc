package dev.handoff.testkit;

class TomcatTest extends ServletContainerContract {

    @Override
    protected ServletContainer container() {
        return new TomcatContainer();
    }
}
