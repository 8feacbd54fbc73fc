package dev.handoff.testkit;

class UndertowTest extends ServletContainerContract {

    @Override
    protected ServletContainer container() {
        return new UndertowContainer();
    }
}
