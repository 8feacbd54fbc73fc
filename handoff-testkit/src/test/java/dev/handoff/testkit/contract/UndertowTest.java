package dev.handoff.testkit.contract;

class UndertowTest extends ServletContainerContract {

    @Override
    protected ServletContainer container() {
        return new UndertowContainer();
    }
}
