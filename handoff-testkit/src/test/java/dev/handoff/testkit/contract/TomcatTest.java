package dev.handoff.testkit.contract;

class TomcatTest extends ServletContainerContract {

    @Override
    protected ServletContainer container() {
        return new TomcatContainer();
    }
}
